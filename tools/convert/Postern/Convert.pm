# Convert.pm - from what Perl has evaluated to a file for Postern: one statement for each setting, in a readable order, and
# at the end what has no counterpart, each with its reason.
package Postern::Convert;
use strict;
use warnings;
use Scalar::Util qw(blessed refaddr);
use re ();
use Postern::Lua;
use Postern::Values;

# The first setting of each theme in Postern's table, and what the theme is called.
my @themes = (
    [compatibility_level => 'Who we are'], [listen_sockets => 'Where mail comes in'], [child_timeout => 'Limits'],
    [forward_method => 'Where mail goes'], [policy_bank => 'Addresses and networks'], [final_virus_destiny => 'What becomes of mail'],
    [av_scanners => 'Virus scanners'], [banned_filename_re => 'Banned parts and header tests'], [bypass_decode_parts => 'Taking mail apart'],
    [QUARANTINEDIR => 'Quarantine'], [virus_admin => 'Notifications'], [X_HEADER_TAG => 'What is changed in mail'], [log_level => 'Log'],
    [lookup_sql_dsn => 'Databases'], [spam_scanners => 'Spam'], [enable_dkim_verification => 'DKIM'],
);
my @last = qw(policy_bank interface_policy client_ipaddr_policy);

# Known to Postern and for ever without effect, so not written.
our %idle = map { $_ => 1 } qw(daemonize pid_file lock_file db_home min_servers min_spare_servers max_spare_servers enable_db enable_zmq zmq_sockets
    decoders allow_preserving_evidence nanny_details_level virus_check_negative_ttl virus_check_positive_ttl spam_check_negative_ttl
    spam_check_positive_ttl dspam append_header_fields_to_bottom sql_schema_version);

# Where Postern's defaults are not amavisd-new's, and matter.
my @other_defaults = (
    [max_requests => '20'], [virus_scanners_failure_is_fatal => 'false'], [MAXLEVELS => 'undef'], [MAXFILES => 'undef'],
    [MIN_EXPANSION_QUOTA => 'undef'], [MAX_EXPANSION_QUOTA => 'undef'], [syslog_ident => '"amavis"'], [do_syslog => 'false'],
    [X_HEADER_LINE => '"amavisd-new at " .. mydomain'],
);

# settings, all_scanners, amavis_defaults
sub new {
    my ($class, %given) = @_;
    my $self = bless { dropped => {}, refusals => [], %given }, $class;
    $self->{initial} = { map { $_ => $self->flat_value($Postern::Prelude::variable{$_}) } grep { $Postern::Prelude::variable{$_}{row} } keys %Postern::Prelude::variable };
    return $self;
}

sub values_object {
    my ($self, %more) = @_;
    my $path = $Postern::Prelude::variable{'$path'}{value} // $ENV{PATH} // '/usr/bin:/bin';
    return Postern::Values->new(settings => $self->{settings}, program_path => $path, all_scanners => $self->{all_scanners}, dropped => $self->{dropped}, %more);
}

# One line that is equal for equal values; a value that cannot be said in full is equal to none.
sub flat_value {
    my ($self, $v, $value) = @_;
    my $quiet = $self->values_object(quiet => 1);
    my $flat = Postern::Lua::flat($quiet->setting_value($v->{row}, @_ > 2 ? $value : $v->{value}));
    return $quiet->{incomplete} ? "$flat -- incomplete" : $flat;
}

sub default_flat {
    my ($self, $v) = @_;
    my $default = Postern::Prelude::resolve($self->{settings}, Postern::Settings::parse($v->{row}{default}));
    return '' if ref $default eq 'Postern::Expression' || ref $default && ref $default ne 'ARRAY' && ref $default ne 'HASH';
    $default = [] if $v->{sigil} eq '@' && !defined $default;
    $default = in_bytes($default) if $v->{row}{kind} eq 'SIZE';
    return $self->flat_value($v, $default);
}

sub in_bytes {
    my ($size) = @_;
    return defined $size && $size =~ /\A(\d+)([kMG])\z/ ? $1 * { k => 1024, M => 1024**2, G => 1024**3 }->{$2} : $size;
}

sub is_set {
    my ($self, $v) = @_;
    return 1 if $v->{place};
    return $self->{initial}{"$v->{sigil}$v->{name}"} ne $self->flat_value($v);
}

# ---- what the files say of themselves ----

# Files by their base names, but where two are called alike.
sub label_files {
    my ($self) = @_;
    my %times;
    my %base = map { my ($base) = m{([^/]+)\z}; $times{$base}++; ($_ => $base) } keys %Postern::Prelude::conf_file;
    $self->{label} = { map { $_ => $times{ $base{$_} } > 1 ? $_ : $base{$_} } keys %base };
}

sub place_text {
    my ($self, $place) = @_;
    return $place && $place->[1] ? ($self->{label}{ $place->[0] } // $place->[0]) . ":$place->[1]" : '';
}

# ---- peculiar settings ----

# %virus_admin beside $virus_admin: a table where the scalar is not set.
sub fold_hashes {
    my ($self, $values) = @_;
    for my $name (qw(virus_admin spam_admin)) {
        my ($table, $scalar) = @Postern::Prelude::variable{"%$name", "\$$name"};
        next if !$table || !$table->{place} || $scalar->{place};
        $scalar->{value} = $table->{value};
        $scalar->{place} = delete $table->{place};
    }
}

# Variables with a sigil that is not the setting's.
sub note_wrong_sigils {
    my ($self, $values) = @_;
    for my $v (sort { $a->{name} cmp $b->{name} } grep { $_->{place} && !$_->{row} } values %Postern::Prelude::variable) {
        my $row = $self->{settings}->find($v->{name});
        @$values{qw(what place)} = ("$v->{sigil}$v->{name}", $v->{place});
        if ($row) {
            $values->note(lost => "is no setting; it is $row->{sigil}$row->{setting} that amavisd-new reads");
        } elsif (!defined $Postern::Prelude::other{ $v->{name} }) {
            $values->note(lost => 'is not known to Postern: a variable of your own, or a setting misspelt or of another version');
        }
    }
}

# Banks whose protocol Postern does not speak, and the listeners that lead to them.
sub drop_unspoken {
    my ($self, $values) = @_;
    my ($banks, $interfaces) = map { $_->{value} } @Postern::Prelude::variable{'%policy_bank', '%interface_policy'};
    my %spoken = map { $_ => 1 } $self->{settings}->find('protocol')->{type} =~ /([A-Z][\w.-]+)/g;
    my %unspoken = map { $_ => $banks->{$_}{protocol} } grep { ref $banks->{$_} eq 'HASH' && defined $banks->{$_}{protocol} && !$spoken{ $banks->{$_}{protocol} } } keys %$banks;
    for my $interface (sort keys %$interfaces) {
        my ($bank) = grep { $unspoken{$_} } split /[,\s]+/, $interfaces->{$interface} // '';
        next if !defined $bank;
        @$values{qw(what place)} = ("listener $interface", $Postern::Prelude::variable{'%interface_policy'}{places}{$interface});
        $values->note(lost => "speaks $unspoken{$bank} by its policy bank $bank, which Postern does not; the listener is left out");
        $self->{dropped}{interface_policy}{$interface} = 1;
        $self->drop_listener($interface);
    }
    $self->{dropped}{policy_bank}{$_} = 1 for keys %unspoken;
}

# A Unix socket whose own bank, which comes after that of SOCK, has a protocol: Postern speaks it, or it is dropped for itself.
sub speaks_for_itself {
    my ($self, $path) = @_;
    my ($banks, $interfaces) = map { $_->{value} } @Postern::Prelude::variable{'%policy_bank', '%interface_policy'};
    return grep { ref $banks->{$_} eq 'HASH' && defined $banks->{$_}{protocol} } split /[,\s]+/, $interfaces->{$path} // '';
}

sub drop_listener {
    my ($self, $interface) = @_;
    my %gone = map { $_ => 1 } $interface, "unix:$interface";
    for my $key ('$unix_socketname', '$inet_socket_port', '@listen_sockets') {
        my $v = $Postern::Prelude::variable{$key};
        next if !defined $v->{value};
        my @kept = grep { !$gone{$_} && !($interface eq 'SOCK' && m{\A(?:unix:)?/} && !$self->speaks_for_itself(s/\Aunix://r)) } ref $v->{value} ? @{ $v->{value} } : $v->{value};
        $v->{value} = $v->{sigil} eq '@' ? [@kept] : @kept > 1 ? [@kept] : $kept[0];
        delete $v->{place} if !@kept;
    }
}

# amavisd-new asks do_syslog first, Postern logfile.
sub settle_log {
    my ($self, $values) = @_;
    my ($syslog, $file) = @Postern::Prelude::variable{'$do_syslog', '$logfile'};
    return if !$syslog->{value} || !defined $file->{value} || $file->{value} eq '';
    @$values{qw(what place)} = ('logfile', $file->{place});
    $values->note(detail => "$file->{value} is not written: do_syslog goes before it");
    $self->{dropped}{logfile}{''} = 1;
}

# notify_method was a copy made before the files were read; Postern's follows forward_method.
sub settle_notify {
    my ($self) = @_;
    my ($forward, $notify) = @Postern::Prelude::variable{'$forward_method', '$notify_method'};
    my $same = $self->flat_value($forward) eq $self->flat_value($notify);
    delete $notify->{place} if $same;
    $self->{dropped}{notify_method}{''} = 1 if $same;
    $notify->{place} //= $forward->{place} if !$same;
}

# Unset, amavisd-new does not put the statement; Postern's older names stand for the built-in one then.
sub settle_clauses {
    my ($self) = @_;
    my $clauses = $Postern::Prelude::variable{'%sql_clause'};
    for my $older ([sql_select_policy => 'sel_policy'], [sql_select_white_black_list => 'sel_wblist']) {
        my ($name, $clause) = @$older;
        my $v = $Postern::Prelude::variable{"\$$name"};
        next if !$v->{place} || defined $v->{value} || exists $clauses->{value}{$clause};
        $clauses->{value}{$clause} = undef;
        $clauses->{places}{$clause} = $v->{place};
    }
}

# ---- statements ----

sub statements {
    my ($self) = @_;
    my $values = $self->values_object;
    $self->{values} = $values;
    for my $v (grep { $_->{row} } values %Postern::Prelude::variable) {
        $values->{held}{ refaddr $v->{value} } = $v if $v->{sigil} eq '$' && ref $v->{value} && $v->{row}{kind} eq 'TABLE';
        $values->count_uses($_) for $v->{sigil} eq '@' ? @{ $v->{value} } : $v->{sigil} eq '%' ? values %{ $v->{value} } : $v->{value};
    }
    $self->fold_hashes($values);
    $self->drop_unspoken($values);
    $self->settle_log($values);
    $self->settle_notify;
    $self->settle_clauses;
    my %last = map { $_ => 1 } @last;
    my @units;
    for my $name ((grep { !$last{$_} } $self->{settings}->names), grep { $self->{settings}->find($_) } @last) {
        my $v = $Postern::Prelude::variable{ $self->{settings}->find($name)->{sigil} . $name };
        push @units, $self->units_of($values, $v) if $self->is_set($v);
    }
    $self->note_wrong_sigils($values);
    return $self->in_order(@units);
}

sub units_of {
    my ($self, $values, $v) = @_;
    my $row = $v->{row};
    @$values{qw(what place variable)} = ($v->{name}, $v->{place}, $v);
    return if $self->{dropped}{ $v->{name} }{''};
    return if !%{ $v->{places} } && $self->flat_value($v) eq $self->default_flat($v);
    if ($row->{status} eq 'refused') {
        $values->note(lost => "refused by Postern: $row->{meaning}") if $v->{sigil} ne '$' || $v->{value};
        return;
    }
    if ($idle{ $v->{name} } || $row->{meaning} =~ /\Aretired/) {
        $values->note(idle => $v->{name} eq 'decoders' ? 'Postern has its own decoders' : $row->{meaning});
        return;
    }
    $values->note(inert => $row->{meaning}) if $row->{status} =~ /no effect/;
    return $self->entry_units($values, $v) if $v->{sigil} eq '%' && $row->{kind} !~ /\A(?:TABLE|ANYTHING)\z/ && (!$v->{replaced} || is_by_entry($v));
    return $self->unit($values, $v, $v->{name}, $v->{place}, sub { $values->setting_value($row, $v->{value}) });
}

# Tables that are always written entry by entry.
sub is_by_entry {
    my ($v) = @_;
    return $v->{row}{kind} =~ /\A(?:BANKS|RULES)\z/ || $v->{name} eq 'interface_policy';
}

# name[key] = value: what the files have set, and nothing of the rest.
sub entry_units {
    my ($self, $values, $v) = @_;
    my $row = $v->{row};
    my @units;
    for my $key (sort keys %{ is_by_entry($v) ? $v->{value} : $v->{places} }) {
        next if $self->{dropped}{ $v->{name} }{$key} || !exists $v->{value}{$key};
        my $place = $v->{places}{$key} // $v->{place};
        @$values{qw(what place)} = ("$v->{name}, $key", $place);
        next if $values->is_dead_key($row, $key);
        if ($v->{name} eq 'interface_policy') {
            my @names = grep { $_ ne '' } split /[,\s]+/, $v->{value}{$key} // '';
            my @missing = grep { $_ ne 'MYNETS' && !$Postern::Prelude::variable{'%policy_bank'}{value}{$_} } @names;
            my $useless = @missing && @missing == @names;
            $values->note(lost => "there is no policy bank @missing (amavisd-new ignores it as well)") if $useless;
            next if $useless;
        }
        my $index = Postern::Values::entry_key($row, $key);
        my $left = $index =~ /\A\["([A-Za-z_]\w*)"\]\z/a && Postern::Lua::is_name("$1") ? "$v->{name}.$1" : $v->{name} . $index;
        push @units, $self->unit($values, $v, $left, $place, sub { $values->entry_node($row, $key, $v->{value}{$key}) });
    }
    return @units;
}

sub unit {
    my ($self, $values, $v, $left, $place, $make) = @_;
    local $values->{uses} = {};
    my $node = $make->() // return;
    return if $v->{sigil} eq '@' && @{ $v->{value} } && $node->{items} && !@{ $node->{items} };    # nothing of it could be said: there is a note
    return { id => $v->{name}, left => $left, node => $node, place => $place, uses => $values->{uses}, variable => $v };
}

# Statements stand in the table's order, but behind those whose settings or variables they name.
sub in_order {
    my ($self, @units) = @_;
    my (%by_id, @sorted, %done);
    push @{ $by_id{ $_->{id} } }, $_ for @units, @{ $self->{values}{locals} };
    my $place;
    $place = sub {
        my ($id) = @_;
        return if $done{$id}++;
        for my $unit (@{ $by_id{$id} // [] }) {
            $place->($_) for sort keys %{ $unit->{uses} };
            push @sorted, $unit;
        }
    };
    $place->($_->{id}) for @units;
    return @sorted;
}

# ---- the file ----

sub theme_of {
    my ($self) = @_;
    my (%theme, $now);
    my %first = map { $_->[0] => $_->[1] } @themes;
    for my $name ($self->{settings}->names) {
        $now = $first{$name} // $now;
        $theme{$name} = $now;
    }
    $theme{$_} = 'Policy banks' for @last;
    return \%theme;
}

sub unit_text {
    my ($self, $unit) = @_;
    return $unit->{text} if $unit->{text};
    my $text = "$unit->{left} = " . Postern::Lua::render($unit->{node}, 0, 3 + length $unit->{left});
    my $origin = $self->place_text($unit->{place});
    return $text if $origin eq '';
    return "$text  -- $origin" if $text !~ /\n/ && length($text) + length($origin) < 130;
    return $text =~ s/\{\n/{  -- $origin\n/r if $text =~ /\A[^\n]*\{\n/;
    return "-- $origin\n$text";
}

# The whole file; where each statement stands goes to lines, for refusals.
sub file_text {
    my ($self, @files) = @_;
    my @units = $self->statements;
    my $theme = $self->theme_of;
    my ($now, $banner) = ('', '');
    my $text = "-- Converted by convert-amavisd-conf from " . join(', ', @files) . ".\n"
        . "-- The end of this file lists what could not be taken over. posternd -t checks it, posternd -n shows what differs from the defaults.\n"
        . "\ncompatibility_level = 1  -- the defaults that this was written for\n";
    $self->{lines} = [];
    for my $i (0 .. $#units) {
        my $unit = $units[$i];
        my ($owner) = grep { $_->{variable} } @units[$i .. $#units];
        my $title = $theme->{ $owner->{variable}{name} } // 'More';
        $text .= "\n-- $title\n" if $title ne $now;
        $now = $title;
        my $first = 1 + ($text =~ tr/\n//);
        $text .= Postern::Lua::octets($self->unit_text($unit)) . "\n";
        push @{ $self->{lines} }, [$first, $text =~ tr/\n//, $unit];
    }
    $text .= $self->other_defaults;
    return $text . $self->report;
}

sub other_defaults {
    my ($self) = @_;
    my $text = '';
    my $mark = $self->{amavis_defaults} ? '' : '-- ';
    for my $other (@other_defaults) {
        my ($name, $lua) = @$other;
        my $v = $Postern::Prelude::variable{"\$$name"};
        next if !$v || $v->{place} || $name eq 'do_syslog' && defined $Postern::Prelude::variable{'$logfile'}{value};
        $text .= "$mark$name = $lua\n";
    }
    return '' if $text eq '';
    my $why = $self->{amavis_defaults} ? "what amavisd-new does where nothing is said" : "where nothing is said, Postern does otherwise than amavisd-new, which would have";
    return "\n-- Defaults: $why\n$text";
}

# ---- what is told ----

my @headings = (
    [lost => 'Not taken over'],
    [idle => 'Needs no counterpart'],
    [inert => 'Taken over, but without effect in this version of Postern'],
    [detail => 'Taken over with a difference'],
    [absent => 'Left out'],
);

# Remarks that are about the files as a whole.
sub general_notes {
    my ($self) = @_;
    my @notes;
    my $add = sub { push @notes, { how => $_[0], what => $_[1], place => $_[2], text => $_[3] } };
    for my $call (@Postern::Prelude::calls) {
        my ($name, $place, @about) = @$call;
        $add->(lost => $name eq 'dkim_key' ? "DKIM key $about[1]._domainkey.$about[0]" : "call of $name()", $place,
            $name eq 'dkim_key' ? "$about[2]: Postern does not sign yet" : 'a function that only amavisd-new has');
    }
    $add->(lost => "hook Amavis::Custom::$_->[0]", [@$_[1, 2]], 'a subroutine in Perl') for Postern::Prelude::custom_hooks();
    my %by_reason;
    push @{ $by_reason{ $Postern::Prelude::other{ $_->{name} } } }, $_->{sigil} . $_->{name}
        for sort { $a->{name} cmp $b->{name} } grep { $_->{place} && !$_->{row} && $Postern::Prelude::other{ $_->{name} } } values %Postern::Prelude::variable;
    $add->(idle => join(', ', @{ $by_reason{$_} }), undef, $_) for sort keys %by_reason;
    $add->(lost => "$_->{sigil}$_->{name}", undef, 'is declared nowhere, and the file says "use strict": amavisd-new would have refused it')
        for grep { !$_->{place} } @Postern::Prelude::unknown;
    my @own = Postern::Prelude::own_variables();
    $add->(idle => join(', ', @own), undef, 'no settings: variables of your own, or settings misspelt; their values are used where the files use them') if @own;
    my @read = sort keys %{ $self->{values}{reads} // {} };
    $add->(detail => join(', ', @read), undef, 'read by Postern too: keep it when amavisd-new is removed, or change the path') if @read;
    return @notes;
}

sub notes { my ($self) = @_; return (@{ $self->{refusals} }, @{ $self->{values}{notes} }, $self->general_notes) }

sub note_text {
    my ($self, $note) = @_;
    my $place = $self->place_text($note->{place});
    my $text = ($place ne '' ? "$place: " : '') . "$note->{what}: $note->{text}";
    $text = Postern::Lua::octets($text);
    $text =~ s/([\x00-\x1f\x7f])/sprintf '\x%02x', ord $1/ge;
    return $text;
}

sub report {
    my ($self) = @_;
    my $text = '';
    my @notes = $self->notes;
    for my $heading (@headings) {
        my ($how, $title) = @$heading;
        my %seen;
        my @lines = grep { !$seen{$_}++ } map { $self->note_text($_) } grep { $_->{how} eq $how } @notes;
        $text .= "\n-- $title:\n" . join '', map { "--   $_\n" } @lines if @lines;
    }
    return $text;
}

# ---- what posternd refuses is left out, with what it says ----

# A line of posternd -t: true where something could be left out for it.
sub refuse {
    my ($self, $line, $message) = @_;
    my $pattern = $self->refuse_pattern($message);
    return $pattern if defined $pattern;
    return 0 if $message =~ /\Aav_scanners: no virus scanner/;
    return 1 if $message =~ /: there is no policy bank "([^"]+)"/ && $self->make_bank("$1");
    my ($found) = grep { $line >= $_->[0] && $line <= $_->[1] } @{ $self->{lines} };
    my $v = $found ? $found->[2]{variable} : undef;
    return 0 if !$v;
    my ($path, $text) = $message =~ /\A([\w.\[\]",\@\/:<>+*-]+?): (.*)\z/s ? ($1, $2) : ('', $message);
    my ($key, $place, $what) = $self->refused_piece($v, $found->[2], $path, $text, $line - $found->[0]) or return 0;
    return 0 if $self->{dropped}{ $v->{name} }{$key}++;
    push @{ $self->{refusals} }, { how => 'lost', what => $what, place => $place, text => "refused by posternd: $text" };
    return 1;
}

# amavisd-new passes over a name that is no bank, and takes the others beside it: an empty bank does as much.
sub make_bank {
    my ($self, $name) = @_;
    my $banks = $Postern::Prelude::variable{'%policy_bank'};
    return 0 if exists $banks->{value}{$name};
    $banks->{value}{$name} = {};
    $banks->{places}{$name} = ['', 0];
    push @{ $self->{refusals} }, { how => 'detail', what => "policy bank $name", text => 'named, but defined nowhere: written as an empty bank, where amavisd-new ignores the name' };
    return 1;
}

# One regular expression, wherever it stands: undef where the complaint is about something else, 0 where it is left out already.
sub refuse_pattern {
    my ($self, $message) = @_;
    my ($pattern, $why) = $message =~ /bad regular expression "(.*)": (.*) at offset \d+\z/s or return;
    return if !$self->{values}{patterns}{$pattern};
    return 0 if $self->{dropped}{"\0patterns"}{$pattern};
    $self->{dropped}{"\0patterns"}{$pattern} = "refused by posternd: $why";
    return 1;
}

# The smallest piece of a statement that can be left out for a complaint about path: (key in dropped, place, what to call it), or nothing.
sub refused_piece {
    my ($self, $v, $unit, $path, $text, $offset) = @_;
    my ($name, $kind) = ($v->{name}, $v->{row}{kind});
    if ($kind eq 'SCANNERS') {
        my @elements = map { $_->[1]{element} } @{ $unit->{node}{items} };
        my $at = $path =~ /\A\w+\[(\d+)\]/ ? $1 - 1 : $self->item_at($unit, $offset);
        my $key = defined $at ? $elements[$at] : undef;
        return defined $key ? ($key, $v->{place}, "$name, " . ($v->{value}[$key][0] // 'a scanner without a name')) : ();
    }
    if ($name eq 'default_ldap' && $text =~ /\A(?:ldap: )?(\w+): / && exists $v->{value}{$1}) {
        return ($1, $v->{place}, "$name, $1");
    }
    if ($unit->{left} ne $name) {
        my $key = $self->key_of($v, $unit) // return;
        my ($setting) = $kind eq 'BANKS' ? $path =~ /\Apolicy_bank(?:\.\w+|\["[^"]*"\])\.(\w+)/ : ();
        return ("$key\0$setting", $v->{places}{$key}, "policy bank $key, $setting") if defined $setting;
        return ($key, $v->{places}{$key}, "$name, $key");
    }
    if (ref $v->{value} eq 'HASH' && !$v->{replaced} && $path =~ /\A\w+(?:\.(\w+)|\["([^"]*)"\])/) {
        my $key = $1 // $2;
        return ($key, $v->{place}, "$name, $key") if exists $v->{value}{$key};
    }
    if (ref $v->{value} eq 'ARRAY' && $kind =~ /\A(?:TABLE|STRINGS|METHODS)\z/ && $path =~ /\A\w+\[(\d+)\]\z/) {
        my @kept = grep { defined $v->{value}[$_] && !$self->{dropped}{$name}{$_} } 0 .. $#{ $v->{value} };
        my $key = $kept[$1 - 1];
        return ($key, $v->{place}, "$name, $v->{value}[$key]") if defined $key;
    }
    return ('', $v->{place}, $name);
}

sub key_of {
    my ($self, $v, $unit) = @_;
    my ($key) = grep { my $index = Postern::Values::entry_key($v->{row}, $_); $unit->{left} eq "$v->{name}$index" || $index eq '["' . ($unit->{left} =~ /\.(\w+)\z/ ? $1 : '') . '"]' } keys %{ $v->{value} };
    return $key;
}

# Which item of a list stands at that line of its statement.
sub item_at {
    my ($self, $unit, $offset) = @_;
    my $line = 1;
    my $at = 0;
    for my $item (@{ $unit->{node}{items} }) {
        my $lines = 1 + (Postern::Lua::render($item->[1], 1, 8) =~ tr/\n//);
        return $at if $offset >= $line && $offset < $line + $lines;
        $line += $lines;
        $at++;
    }
    return;
}

# ---- what Perl has evaluated, as data ----

# Texts as characters; what is not UTF-8, a character for each octet.
sub dump_text {
    my $octets = Postern::Lua::octets("$_[0]");
    utf8::decode($octets);
    return $octets;
}

sub dump_value {
    my ($value, $depth) = @_;
    return undef if !defined $value;
    return dump_text($value) if !ref $value;
    die "a structure that holds itself\n" if ($depth // 0) > 50;
    my $deeper = ($depth // 0) + 1;
    my $v = $Postern::Prelude::by_address{ refaddr $value };
    return { ref => $v->{name} } if $v && $v->{row};
    my $class = ref $value;
    return { re => [ map { my ($r, @to) = ref $_ eq 'ARRAY' ? @$_ : ($_, 1); [(map { dump_text($_) } ref $r eq 'Regexp' ? re::regexp_pattern($r) : ($r, '')), dump_value($to[0], $deeper)] } @$value ] } if $class eq 'Amavis::Lookup::RE';
    return { rx => [ map { dump_text($_) } re::regexp_pattern($value) ] } if $class eq 'Regexp';
    return { follow => $value->{name} } if $class eq 'Postern::Follow';
    return { code => Postern::Values::describe($value) } if $class eq 'CODE';
    return [ map { dump_value($_, $deeper) } @$value ] if $class eq 'ARRAY' || $class eq 'Amavis::Lookup::IP';
    return { hash => { map { $_ => dump_value($value->{$_}, $deeper) } keys %$value } } if $class eq 'HASH';
    return dump_value($$value, $deeper) if $class eq 'SCALAR' || $class eq 'REF';
    return { object => $class };
}

# What was set, by the name of the setting: { value, file, line, keys that were set, replaced }.
sub evaluated {
    my ($self) = @_;
    my %all;
    for my $v (grep { $_->{row} && $self->is_set($_) } values %Postern::Prelude::variable) {
        my $value = $v->{sigil} eq '%' ? { hash => { map { $_ => dump_value($v->{value}{$_}) } keys %{ $v->{value} } } }
            : $v->{sigil} eq '@' ? [ map { dump_value($_) } @{ $v->{value} } ] : dump_value($v->{value});
        $all{ $v->{name} } = { sigil => $v->{sigil}, value => $value, keys => [ sort keys %{ $v->{places} } ], replaced => $v->{replaced} ? JSON::PP::true() : JSON::PP::false(),
            $v->{place} ? (file => $v->{place}[0], line => $v->{place}[1]) : () };
    }
    return \%all;
}

1;
