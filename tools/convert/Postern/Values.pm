# Values.pm - what Perl has evaluated, as nodes of Lua: scalars, lookup tables, lists of them, banks, by the kind of the setting.
#
# What cannot be said in Lua becomes a note; nothing is left out without one.
package Postern::Values;
use strict;
use warnings;
use B ();
use B::Deparse ();
use Scalar::Util qw(blessed looks_like_number refaddr reftype);
use Postern::Lua;
use Postern::Regexp;
use Postern::Scanners;

# program_path: where programs are looked for; all_scanners: those that are absent too.
sub new {
    my ($class, %given) = @_;
    return bless { notes => [], uses => {}, shared => {}, locals => [], count => {}, held => {}, %given }, $class;
}

sub note {
    my ($self, $how, $text) = @_;
    $self->{incomplete} = 1 if $how eq 'lost';
    push @{ $self->{notes} }, { how => $how, what => $self->{what}, place => $self->{place}, text => $text } if !$self->{quiet};
}

sub leaf { return Postern::Lua::leaf($_[0]) }

# ---- scalars ----

# Perl's own idea of whether a value is a number.
sub is_number {
    my ($value) = @_;
    my $flags = B::svref_2object(\$value)->FLAGS;
    return $flags & (B::SVf_IOK | B::SVf_NOK) && !($flags & B::SVf_POK);
}

sub text_node {
    my ($self, $text) = @_;
    if (Postern::Lua::octets($text) =~ /\0/) {
        $self->note(lost => 'a text with a NUL character in it');
        return leaf('""');
    }
    return $self->file_node($text) // leaf(Postern::Lua::text($text));
}

# What came from a file unchanged is read from there by Postern too.
sub file_node {
    my ($self, $content) = @_;
    my $key = Postern::Prelude::content_key($content);
    my $from = $key ne '' ? $Postern::Prelude::file_of_content{$key} : undef;
    return if !$from;
    $self->{reads}{ $from->[1] } = 1 if !$self->{quiet};
    return leaf("$from->[0] " . Postern::Lua::quote($from->[1]));
}

# want: bool, number, destiny, or nothing for as it is
sub scalar_node {
    my ($self, $value, $want) = @_;
    $value = $$value while ref $value && (reftype($value) eq 'SCALAR' || reftype($value) eq 'REF') && !blessed $value;
    if (ref $value) {
        $self->note(lost => describe($value) . ' where a plain value was expected');
        return leaf('undef');
    }
    return leaf('undef') if !defined $value;
    $want //= '';
    return $self->destiny_node($value) if $want eq 'destiny';
    return leaf($value ? 'true' : 'false') if $want eq 'bool' && $value =~ /\A[01]?\z/;
    return leaf(Postern::Lua::number($value)) if looks_like_number($value) && $value !~ /[a-z]/i && ($want eq 'number' || is_number($value));
    return $self->text_node($value);
}

sub describe {
    my ($value) = @_;
    if (ref $value eq 'CODE') {
        my ($name, $file, $line) = Postern::Prelude::code_place($value);
        return $line ? "a subroutine in Perl ($file:$line)" : "the function $name";
    }
    return 'a DNS list (q_dns_a ' . ($value->{zone} // '') . ')' if ref $value eq 'Postern::Dns';
    return 'a ' . ($value->{database} eq 'sql' ? 'SQL field' : 'LDAP attribute') . " ($value->{field})" if ref $value eq 'Postern::Field';
    return 'a list' if ref $value eq 'ARRAY';
    return 'a hash' if ref $value eq 'HASH';
    return 'an object of ' . ref $value;
}

# What results of a lookup mean to a setting.
sub wanted {
    my ($name) = @_;
    return 'bool' if $name =~ /\A(?:bypass_\w+_checks|\w+_lovers|local_domains|debug_\w+|warn\w+recip|remove_existing_spam_headers|mynetworks|inet_acl
        |spam_modifies_subj|viruses_that_fake_sender|keep_decoded_original)(?:_maps|_acl|_re)?\z/x;
    return 'destiny' if $name =~ /destiny/;
    return 'number' if $name =~ /level|score|limit|reputation/;
    return '';
}

# ---- lookup tables ----

# A variable of amavisd-new's that is a setting is named; its statement then has to come before.
sub setting_node {
    my ($self, $reference) = @_;
    my $v = $Postern::Prelude::by_address{ refaddr $reference } // $self->{held}{ refaddr $reference };
    return if !$v || !$v->{row} || $v->{row}{kind} eq 'MAPS' || $v == ($self->{variable} // 0);
    $self->{uses}{ $v->{name} } = 1;
    return leaf($v->{name});
}

# One table of a lookup list, or a constant; undef: matches nothing, or cannot be said.
sub table_node {
    my ($self, $value, $name) = @_;
    my $want = wanted($name);
    return if !defined $value;
    return $self->scalar_node($value, $want) if !ref $value;
    return leaf(qq(setting "$value->{name}")) if ref $value eq 'Postern::Follow';
    return if is_empty($value);
    my $known = $self->setting_node($value);
    return $known if $known;
    return $self->shared_node($value, sub { $self->container_node($value, $name, $want) });
}

# sub { c('x') }, sub { ca('x') }, sub { Opaque(c('x')) }: the setting as it is when it is asked for, which is how amavisd-new's own
# defaults are written. undef: a subroutine that does more.
sub followed_setting {
    my ($self, $code) = @_;
    my $text = B::Deparse->new->coderef2text($code);
    my ($name) = $text =~ /\A\{\s*(?:(?:use|no|package)\s[^;]*;\s*)*(?:return\s)?\s*(?:Opaque(?:Ref)?\()?\s*c[ar]?\('(\w+)'\)\)?;\s*\}\s*\z/ or return;
    my $row = $self->{settings}->find($name);
    return $row ? $row->{setting} : undef;
}

# An empty table, or a reference to a variable that nobody has set: matches nothing.
sub is_empty {
    my ($reference) = @_;
    my $v = $Postern::Prelude::by_address{ refaddr $reference };
    my $type = blessed $reference ? '' : reftype $reference;
    return $type eq 'ARRAY' ? !@$reference : $type eq 'HASH' ? !%$reference : $type eq 'SCALAR' && $v ? !defined $$reference : 0;
}

sub container_node {
    my ($self, $value, $name, $want) = @_;
    my $class = ref $value;
    return $self->re_node($value, $want) if $class eq 'Amavis::Lookup::RE';
    return $self->re_node([$value], $want) if $class eq 'Regexp';
    return $self->acl_node($value, $name) if $class eq 'ARRAY' || $class eq 'Amavis::Lookup::IP';
    return $self->hash_node($value, $name, $want) if $class eq 'HASH';
    return Postern::Lua::call('const', $self->data_items($value)) if $class eq 'Postern::Opaque';
    return if $class eq 'Amavis::Lookup::Label';
    my $followed = $class eq 'CODE' ? $self->followed_setting($value) : undef;
    return leaf(qq(setting "$followed")) if $followed;
    return $self->field_node($value, $name) if $class eq 'Postern::Field';
    if (($class eq 'SCALAR' || $class eq 'REF') && !blessed $value) {
        return $self->table_node($$value, $name);
    }
    $self->note(lost => describe($value) . ' as a lookup table');
    return;
}

sub value_of { return $Postern::Prelude::variable{ $_[0] }{value} }

# Postern asks SQL and LDAP before the tables of every lookup list, for the field that belongs to it; others stand where they stand.
sub field_node {
    my ($self, $field, $name) = @_;
    my $row = $self->{settings}->find($name);
    my $implied = $row ? $row->{ $field->{database} } : undef;
    return if value_of('$lookup_maps_imply_sql_and_ldap') && defined $implied && lc $implied eq lc $field->{field};
    my $type = { s => 'string', n => 'number', b => 'boolean' }->{ $field->{type} };
    return leaf("$field->{database}_field(" . Postern::Lua::quote($field->{field}) . ", \"$type\")");
}

# A list of a bank's own that names no field loses SQL and LDAP in amavisd-new.
sub note_kept_fields {
    my ($self, $row, $list) = @_;
    return if !$row->{sql} || !value_of('$lookup_maps_imply_sql_and_ldap') || !(@{ value_of('@lookup_sql_dsn') } || value_of('$enable_ldap'));
    return if grep { ref $_ eq 'Postern::Field' } ref $list eq 'ARRAY' ? @$list : $list;
    $self->note(detail => 'SQL and LDAP are asked before the tables of this list too; amavisd-new asks neither for a list of a bank');
}

sub acl_node {
    my ($self, $list, $name) = @_;
    my $file = ref $list eq 'ARRAY' ? $self->file_node($list) : undef;
    return $file if $file;
    my @items = grep { defined } @$list;
    if (grep { ref } @items) {
        $self->note(lost => 'a list with ' . describe((grep { ref } @items)[0]) . ' in it, where addresses or networks were expected');
        @items = grep { !ref } @items;
    }
    return if !@items;
    return Postern::Lua::list(map { leaf(Postern::Lua::quote($_)) } @items);
}

sub hash_node {
    my ($self, $hash, $name, $want) = @_;
    my $file = $self->file_node($hash);
    return $file if $file;
    return { open => '', items => [ map { [hash_key($_), $self->result_node($hash->{$_}, $name, $want)] } sort keys %$hash ] };
}

sub hash_key { return '[' . Postern::Lua::quote($_[0]) . ']' }

# What a lookup table gives: a plain value, a list of tables (scores, rule sets), a structure.
sub result_node {
    my ($self, $value, $name, $want) = @_;
    return $self->scalar_node($value, $want) if !ref $value;
    return Postern::Lua::list(map { $self->element_of_result($_, $name) } @$value) if ref $value eq 'ARRAY';
    return $self->table_node($value, $name) // leaf('undef');
}

sub element_of_result {
    my ($self, $value, $name) = @_;
    my $node = $self->table_node($value, $name);
    return $node // ();
}

sub rx_node {
    my ($self, $regexp) = @_;
    my ($pattern, $flags, $why) = Postern::Regexp::translate($regexp);
    my $octets = Postern::Lua::octets($pattern);
    $why //= $self->{dropped}{"\0patterns"}{$octets};
    $self->{patterns}{$octets} = 1;
    if ($why) {
        $self->note(lost => "the regular expression $octets: $why");
        return;
    }
    my $text = $pattern =~ /["\\\n]/ ? Postern::Lua::long($pattern) : Postern::Lua::quote($pattern);
    return leaf($flags eq '' ? "rx($text)" : "rx($text, \"$flags\")");
}

sub re_node {
    my ($self, $rules, $want) = @_;
    my @nodes;
    for my $rule (@$rules) {
        my ($regexp, @result) = ref $rule eq 'ARRAY' ? @$rule : $rule;
        if (ref $regexp ne 'Regexp') {
            $regexp = eval { ref $regexp ? die : qr/$regexp/ } // do { $self->note(lost => 'a rule that is no regular expression'); next };
        }
        my $rx = $self->rx_node($regexp) // next;
        push @nodes, @result ? Postern::Lua::list($rx, $self->result_node($result[0], '', $want)) : $rx;
    }
    return { %{ Postern::Lua::call('re', @nodes) }, broken => @nodes > 1 };
}

sub maps_node {
    my ($self, $list, $name) = @_;
    my @tables = map { $self->table_node($_, $name) // () } ref $list eq 'ARRAY' ? @$list : $list;
    return Postern::Lua::list(@tables);
}

# ---- what is used more than once ----

# Count how often each container is met, without going into settings.
sub count_uses {
    my ($self, $value) = @_;
    return if !ref $value || $Postern::Prelude::by_address{ refaddr $value } || blessed $value && ref $value ne 'Amavis::Lookup::RE';
    return if $self->{count}{ refaddr $value }++;
    my $type = reftype $value;
    $self->count_uses($_) for $type eq 'ARRAY' ? @$value : $type eq 'HASH' ? values %$value : $type eq 'REF' ? $$value : ();
}

# What stands in several places is a local variable in Lua too, a statement of its own.
sub shared_node {
    my ($self, $value, $make) = @_;
    my $known = $self->{shared}{ refaddr $value };
    my $outer = $self->{uses};
    if ($known) {
        $outer->{"local $known"} = 1;
        return leaf($known);
    }
    local $self->{uses} = {};
    my $node = $make->();
    my $name = $node ? $self->local_name($value, $node) : undef;
    if (!$name) {
        $outer->{$_} = 1 for keys %{ $self->{uses} };
        return $node;
    }
    $self->{shared}{ refaddr $value } = $name;
    push @{ $self->{locals} }, { id => "local $name", uses => $self->{uses}, text => "local $name = " . Postern::Lua::render($node, 0, 8 + length $name) };
    $outer->{"local $name"} = 1;
    return leaf($name);
}

my $LOCALS_MAX = 150;    # Lua has 200

# undef: not worth a variable, or none to be had
sub local_name {
    my ($self, $value, $node) = @_;
    return if $self->{quiet} || ($self->{held}{ refaddr $value } // 0) == ($self->{variable} // 1) || ($self->{count}{ refaddr $value } // 0) < 2 || @{ $node->{items} // [] } < 2 || keys %{ $self->{shared} } >= $LOCALS_MAX;
    return if $node->{open} ne '' && $node->{open} ne 're ';
    my $name = Postern::Prelude::own_name($value) // 'table_' . (1 + keys %{ $self->{shared} });
    $name .= '_' while !Postern::Lua::is_name($name) || $self->{settings}->find($name) || grep { $_ eq $name } values %{ $self->{shared} };
    return $name;
}

# ---- by kind ----

sub data_node {
    my ($self, $value) = @_;
    return $self->scalar_node($value) if !ref $value || ref $value eq 'SCALAR' || ref $value eq 'REF';
    return $self->re_node($value) if ref $value eq 'Amavis::Lookup::RE';
    return leaf(qq(setting "$value->{name}")) if ref $value eq 'Postern::Follow';
    return Postern::Lua::list(map { $self->data_node($_) } @$value) if ref $value eq 'ARRAY';
    return { open => '', items => [ map { [Postern::Lua::key($_), $self->data_node($value->{$_})] } sort keys %$value ] } if ref $value eq 'HASH';
    $self->note(lost => describe($value));
    return leaf('undef');
}

sub data_items {
    my ($self, $opaque) = @_;
    my $value = $opaque->{value};
    $value = $$value if $opaque->{reference} && reftype($value) =~ /\A(?:SCALAR|REF)\z/;
    return ref $value eq 'ARRAY' ? map { $self->data_node($_) } @$value : $self->data_node($value);
}

sub strings_node {
    my ($self, $value, $scalar_stays) = @_;
    return leaf('undef') if !defined $value;
    return leaf(Postern::Lua::quote($value)) if !ref $value;
    return Postern::Lua::list(map { leaf(Postern::Lua::quote($_)) } grep { defined } @$value) if ref $value eq 'ARRAY';
    return $self->scalar_node($value);
}

sub destiny_node {
    my ($self, $value) = @_;
    return leaf('undef') if !defined $value;
    my $name = !ref $value && looks_like_number($value) ? Postern::Constants::name_of('D_', $value) : undef;
    return leaf($name) if $name;
    return $self->scalar_node($value, 'number');
}

sub methods_node {
    my ($self, $value) = @_;
    return $self->methods_node($value->[0]) if ref $value eq 'ARRAY' && @$value == 1;
    if (ref $value eq 'ARRAY') {
        $self->note(detail => 'several methods are tried in order; amavisd-new chose one at random');
        return Postern::Lua::list(map { $self->methods_node($_) } @$value);
    }
    return leaf('undef') if !defined $value || $value eq '';
    return $self->scalar_node($value);
}

sub category_key {
    my ($key) = @_;
    my ($major, $minor) = split /,/, $key, 2;
    my $name = looks_like_number($major) ? Postern::Constants::name_of('CC_', $major) : undef;
    return hash_key($key) if !$name;
    return $minor ? "[\"$name,$minor\"]" : "[$name]";
}

sub by_category_node {
    my ($self, $value, $kind, $name) = @_;
    return leaf(qq(setting "$value->{name}")) if ref $value eq 'Postern::Follow';
    if (ref $value eq 'SCALAR' || ref $value eq 'REF') {
        my $known = $self->setting_node($value);
        return $known ? leaf('setting "' . $known->{text} . '"') : $self->by_category_node($$value, $kind, $name);
    }
    my $v = ref $value ? $Postern::Prelude::by_address{ refaddr $value } : undef;
    return leaf(qq(setting "$v->{name}")) if $v && $v->{row};
    return $self->maps_node($value, $name) if $kind eq 'CCAT_MAPS' && ref $value eq 'ARRAY';
    return $self->methods_node($value) if $name =~ /quarantine_method/;
    return $self->destiny_node($value) if $name =~ /destiny/;
    return $self->scalar_node($value);
}

sub pairs_node {
    my ($self, $list) = @_;
    my (@pairs, @rest);
    @rest = @$list;
    while (@rest) {
        my ($table, $banks) = splice @rest, 0, 2;
        my $maps = ref $table ? $Postern::Prelude::by_address{ refaddr $table } : undef;
        for my $one ($maps && $maps->{row} && $maps->{row}{kind} eq 'MAPS' ? @{ $maps->{value} } : $table) {
            my $node = $self->table_node($one, 'mynetworks') // next;
            push @pairs, Postern::Lua::list($node, leaf(Postern::Lua::quote($banks // '')));
        }
    }
    return Postern::Lua::list(@pairs);
}

sub scanners_node {
    my ($self, $list, $name) = @_;
    my @nodes;
    my $number = -1;
    my @absent;
    for my $entry (@$list) {
        $number++;
        next if !defined $entry || $self->{dropped}{$name}{$number};
        if ($name !~ /\Aav_scanners/ || ref $entry ne 'ARRAY') {
            $self->note(lost => (ref $entry eq 'ARRAY' ? "$entry->[0]: " : '') . 'has no counterpart yet');
            next;
        }
        my ($label, $node, @remarks) = Postern::Scanners::translate($entry, $self->{program_path}, $self->{all_scanners});
        for my $remark (@remarks) {
            my ($how, $text) = @$remark;
            push @absent, $label if $how eq 'absent';
            $self->note($how, "$label: $text") if $how ne 'absent';
        }
        next if !$node;
        $self->name_scanner($node, $label);
        $node->{element} = $number;
        push @nodes, $node;
    }
    $self->note(absent => 'programs that are not on this host, left out as amavisd-new did: ' . join ', ', @absent) if @absent;
    return { %{ Postern::Lua::list(@nodes) }, broken => scalar @nodes };
}

# amavisd-new takes two of one name; here the second is NAME/2.
sub name_scanner {
    my ($self, $node, $label) = @_;
    my $times = ++$self->{labels}{ $label // '' };
    return if !defined $label || $label eq '';
    push @{ $node->{items} }, ['name', leaf(Postern::Lua::quote($times > 1 ? "$label/$times" : $label))];
}

sub dsn_node {
    my ($self, $list) = @_;
    my @nodes;
    for my $dsn (ref $list eq 'ARRAY' ? @$list : $list) {
        if (ref $dsn eq 'ARRAY') {
            $self->note(lost => 'attributes of a database connection (the fourth item)') if grep { defined } @$dsn[3 .. $#$dsn];
            push @nodes, Postern::Lua::list(map { leaf(Postern::Lua::quote($_ // '')) } @$dsn[0 .. ($#$dsn > 2 ? 2 : $#$dsn)]);
        } elsif (ref $dsn eq 'HASH') {
            push @nodes, leaf(Postern::Lua::quote($self->redis_url($dsn)));
        } else {
            push @nodes, $self->scalar_node($dsn);
        }
    }
    return Postern::Lua::list(@nodes);
}

sub same_databases {
    my ($self, $list) = @_;
    my $lookup = $Postern::Prelude::variable{'@lookup_sql_dsn'};
    return 0 if $self->{dropped}{lookup_sql_dsn}{''} || !@$list || @$list != @{ $lookup->{value} };
    $self->{uses}{lookup_sql_dsn} = 1;
    return !grep { "$list->[$_]" ne "$lookup->{value}[$_]" } 0 .. $#$list;
}

sub redis_url {
    my ($self, $dsn) = @_;
    my $password = defined $dsn->{password} ? ':' . join('', map { /[\w.~-]/a ? $_ : sprintf '%%%02X', ord } split //, Postern::Lua::octets($dsn->{password})) . '@' : '';
    my $server = $dsn->{server} // '127.0.0.1:6379';
    my @lost = grep { !/\A(?:server|password|db_id)\z/ } sort keys %$dsn;
    $self->note(lost => "of the Redis server: @lost") if @lost;
    return "redis://$password$server" . (defined $dsn->{db_id} ? "/$dsn->{db_id}" : '');
}

sub mode_node {
    my ($self, $value) = @_;
    return $self->scalar_node($value, 'number') if !defined $value || $value !~ /\A\d+\z/;
    return leaf(sprintf 'tonumber("%o", 8)', $value);
}

# The value of a setting: a node, or undef where nothing can be written. Hashes with entries come one by one: see entry_node.
sub setting_value {
    my ($self, $row, $value) = @_;
    my ($kind, $name) = @$row{qw(kind setting)};
    $value = $self->without_dropped($value, $name) if $self->{dropped}{$name} && $kind ne 'SCANNERS';
    return leaf(qq(setting "$value->{name}")) if ref $value eq 'Postern::Follow';
    return $self->mode_node($value) if $name eq 'unix_socket_mode';
    return Postern::Lua::list(leaf('"0.0.0.0"'), leaf('"[::]"')) if $name eq 'inet_socket_bind' && !(ref $value ? @$value : defined $value);
    return leaf('lookup_sql_dsn') if $name eq 'storage_sql_dsn' && $self->same_databases($value);
    return $self->scalar_node(defined $value && !ref $value ? ($value ? 1 : 0) : defined $value ? $value : 0, 'bool') if $kind eq 'BOOLEAN';
    return $self->scalar_node($value, 'number') if $kind =~ /\A(?:INTEGER|FLOAT|SIZE|SECONDS)\z/;
    return $self->destiny_node($value) if $kind eq 'DESTINY';
    return $self->methods_node($value) if $kind eq 'METHODS';
    return $self->strings_node($value) if $kind eq 'STRINGS';
    return $self->maps_node($value, $name) if $kind eq 'MAPS';
    return $self->one_table($value, $name) if $kind eq 'TABLE';
    return $self->scanners_node($value, $name) if $kind eq 'SCANNERS';
    return $self->pairs_node($value) if $kind eq 'PAIRS';
    return $self->dsn_node($value) if $kind eq 'DSN';
    return $self->hash_of_entries($row, $value) if ref $value eq 'HASH' && $kind ne 'ANYTHING';
    return $self->scalar_node($value) if $kind eq 'STRING' || $kind =~ /\AENUM/;
    return $self->data_node($value);
}

# Items and entries that posternd has refused.
sub without_dropped {
    my ($self, $value, $name) = @_;
    my $dropped = $self->{dropped}{$name};
    return [ map { $value->[$_] } grep { !$dropped->{$_} } 0 .. $#$value ] if ref $value eq 'ARRAY';
    return $value if ref $value ne 'HASH';
    return { map { $_ => $value->{$_} } grep { !$dropped->{$_} } keys %$value };
}

sub one_table {
    my ($self, $value, $name) = @_;
    return leaf('{}') if ref $value eq 'ARRAY' && !@$value || ref $value eq 'HASH' && !%$value;
    return $self->table_node($value, $name) // leaf('undef');
}

sub entry_node {
    my ($self, $row, $key, $value) = @_;
    my ($kind, $name) = @$row{qw(kind setting)};
    $value = $self->instead_of_code($row, $key, $value) // return if $kind =~ /\ACCAT/ && ref $value eq 'CODE';
    return $self->by_category_node($value, $kind, $name) if $kind =~ /\ACCAT/ && $key ne 'REPLACE';
    return $self->table_node($value, $name) // leaf('undef') if $kind eq 'RULES';
    return $self->bank_node($key, $value) if $kind eq 'BANKS';
    return $self->scalar_node($value, 'bool') if $name =~ /\A(?:allowed_|prefer_our_)/;
    return $self->result_node($value, $name, wanted($name)) if $kind eq 'HASH';
    return $self->data_node($value);
}

# undef would be a value of its own, for a destiny "pass": Postern's default stands where a subroutine cannot; undef: there is none.
sub instead_of_code {
    my ($self, $row, $key, $code) = @_;
    my $followed = $self->followed_setting($code);
    return bless { name => $followed }, 'Postern::Follow' if $followed;
    my $default = Postern::Prelude::resolve($self->{settings}, Postern::Settings::parse($row->{default}));
    my $instead = ref $default eq 'HASH' ? $default->{$key} : undef;
    $self->note(lost => category_key($key) . ': ' . describe($code) . (defined $instead ? "; Postern's default stands in its place" : ''));
    return $instead;
}

sub entry_key {
    my ($row, $key) = @_;
    return $row->{kind} =~ /\ACCAT/ && $key ne 'REPLACE' ? category_key($key) : hash_key($key);
}

# In Perl a category before "=>" is but its name as a text, which amavisd-new never finds.
sub is_dead_key {
    my ($self, $row, $key) = @_;
    return 0 if $row->{kind} !~ /\ACCAT/ || $key eq 'REPLACE' || $key =~ /\A\d+(?:,\d+)?\z/;
    $self->note(lost => "the key $key is a text, not a category: amavisd-new never finds it; in Perl, a comma must follow the name of a category");
    return 1;
}

sub hash_of_entries {
    my ($self, $row, $hash) = @_;
    my @keys = grep { !$self->is_dead_key($row, $_) } sort keys %$hash;
    return { open => '', items => [ map { my $node = $self->entry_node($row, $_, $hash->{$_}); $node ? [entry_key($row, $_), $node] : () } @keys ] };
}

# ---- policy banks ----

sub bank_node {
    my ($self, $bank, $settings) = @_;
    my @items;
    my ($what, $place) = @$self{qw(what place)};
    for my $key (sort keys %{ ref $settings eq 'HASH' ? $settings : {} }) {
        my $row = $self->{settings}->find($key);
        local $self->{what} = "policy bank $bank, $key";
        if ($key eq 'ACTION') {
            $self->note(lost => describe($settings->{$key}));
        } elsif (!$row) {
            $self->note(lost => 'there is no such setting (amavisd-new ignores it as well)') if $key ne 'policy_bank_name';
        } elsif (!$row->{bank}) {
            $self->note(lost => 'can be set globally only');
        } elsif ($row->{status} eq 'refused') {
            $self->note(lost => "refused by Postern: $row->{meaning}") if $settings->{$key};
        } elsif ($Postern::Convert::idle{ $row->{setting} }) {
            $self->note(idle => $row->{meaning});
        } elsif (!$self->{dropped}{policy_bank}{"$bank\0$row->{setting}"}) {
            $self->note(inert => $row->{meaning}) if $row->{status} =~ /no effect/;
            $self->note_kept_fields($row, $settings->{$key});
            push @items, [$row->{setting}, $self->bank_value($row, $settings->{$key})];
        }
    }
    return { open => '', items => \@items, broken => @items > 2 };
}

# In a bank a list stands as a reference, or as the one element it would have.
sub bank_value {
    my ($self, $row, $value) = @_;
    my $known = ref $value && !blessed $value ? $Postern::Prelude::by_address{ refaddr $value } : undef;
    if ($known && $known->{row} && $known->{name} ne $row->{setting}) {
        $self->{uses}{ $known->{name} } = 1;
        return leaf($known->{name}) if $row->{kind} ne 'SCANNERS';
    }
    $value = [$value] if $row->{sigil} eq '@' && ref $value ne 'ARRAY';
    return $self->setting_value($row, $value);
}

1;
