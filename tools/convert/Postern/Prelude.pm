# Prelude.pm - has Perl evaluate amavisd.conf, and notes what it sets and where. amavisd-new need not be there.
#
# Every setting is a tied variable of the package Amavis::Conf, in which the files are evaluated; so is known which were
# assigned, at which line, even where the value is the default. Constants, readers and constructors that such files use
# are here; a function that only amavisd-new has (\&ask_daemon, \&do_unzip) stays a name. The files run as Perl, with all
# that they do: they are the administrator's own.
package Amavis::Conf;

# Stands before all else of this file, so that no "my" of ours is in sight of what is evaluated.
sub Postern::Prelude::run_text { return eval $_[0] }

package Postern::Prelude;
use strict;
use warnings;
use B ();
use File::Spec ();
use Scalar::Util qw(refaddr reftype);
use Sys::Hostname ();

our (%variable, %by_address, %conf_file, %file_of_content);
our (@calls, @unknown);
our $evaluating = 0;
my $depth = 0;

# What amavisd-new has before it reads its files, where that is not Postern's default.
my %amavis_default = (
    MYHOME => '/var/amavis', TEMPBASE => undef, db_home => undef, helpers_home => undef, QUARANTINEDIR => undef,
    mydomain => 'example.com', max_requests => 20, daemon_user => undef, path => undef, log_templ => undef,
    MAXLEVELS => undef, MAXFILES => undef, MIN_EXPANSION_QUOTA => undef, MAX_EXPANSION_QUOTA => undef,
    do_syslog => undef, syslog_ident => 'amavis', X_HEADER_LINE => undef, hdrfrom_notify_sender => undef, myauthservid => undef,
    virus_scanners_failure_is_fatal => undef, forward_method => 'smtp:[127.0.0.1]:10025', notify_method => 'smtp:[127.0.0.1]:10025',
    requeue_method => 'smtp:[127.0.0.1]:25', spam_scanners => [['SpamAssassin', 'Amavis::SpamControl::SpamAssassin']], banned_rules => {},
    local_delivery_aliases => {}, default_ldap => undef, file => 'file', altermime => 'altermime',
);

# Variables of amavisd-new that are no settings of Postern, and why.
our %other = (
    (map { $_ => 'Postern has its own decoders' } qw(arc bzip2 lzop lha unarj gzip uncompress unfreeze unrar zoo pax cpio ar rpm2cpio
        cabextract ripole tnef gunzip bunzip2 unlzop unstuff unzip)),
    (map { $_ => 'for other values to build on' } qw(myproduct_name myversion_id myversion_id_numeric myversion_date myversion
        eol log_short_templ_default my_pid)),
    (map { $_ => 'Perl only' } qw(additional_perl_modules i_know_what_i_am_doing DEBUG profiling can_truncate courierfilter_shutdown
        io_socket_module_name AF_INET6 have_inet4 have_inet6 spamcontrol_obj current_policy_bank warn_offsite_default)),
    (map { $_ => 'DKIM keys are given by dkim_key()' } qw(dkim_signing_keys_by_domain dkim_signing_keys_list dkim_signing_keys_storage)),
    (map { $_ => 'names of categories cannot be changed' } qw(ccat_display_names ccat_display_names_major)),
);
my %other_value = (myproduct_name => 'amavisd-new', myversion_id => '2.13.0', myversion_id_numeric => 2.013000, myversion_date => '20230106',
    myversion => 'amavisd-new-2.13.0 (20230106)', gzip => 'gzip', bzip2 => 'bzip2', lzop => 'lzop', eol => "\n", have_inet4 => 1, have_inet6 => 1,
    my_pid => $$);

# ---- variables that remember who set them ----

sub place {
    for (my $level = 1; my @frame = caller $level; $level++) {
        return [$conf_file{ $frame[1] }, $frame[2]] if exists $conf_file{ $frame[1] };
    }
    return;
}

sub touch {
    my ($v, $key) = @_;
    return if !$evaluating;
    my $place = place() // ['', 0];
    $v->{place} = $place;
    $v->{places}{$key} = $place if defined $key;
}

package Postern::Prelude::Scalar;
sub TIESCALAR { return bless { v => $_[1] }, $_[0] }
sub FETCH { return $_[0]{v}{value} }
sub STORE { $_[0]{v}{value} = $_[1]; Postern::Prelude::touch($_[0]{v}) }

package Postern::Prelude::Array;
use Tie::Array;
our @ISA = ('Tie::Array');
sub TIEARRAY { return bless { v => $_[1] }, $_[0] }
sub FETCHSIZE { return scalar @{ $_[0]{v}{value} } }
sub STORESIZE { $#{ $_[0]{v}{value} } = $_[1] - 1; Postern::Prelude::touch($_[0]{v}) }
sub FETCH { return $_[0]{v}{value}[ $_[1] ] }
sub STORE { $_[0]{v}{value}[ $_[1] ] = $_[2]; Postern::Prelude::touch($_[0]{v}) }
sub CLEAR { $_[0]{v}{value} = []; Postern::Prelude::touch($_[0]{v}) }
sub EXISTS { return exists $_[0]{v}{value}[ $_[1] ] }
sub DELETE { Postern::Prelude::touch($_[0]{v}); return delete $_[0]{v}{value}[ $_[1] ] }

package Postern::Prelude::Hash;
use Tie::Hash;
our @ISA = ('Tie::Hash');
sub TIEHASH { return bless { v => $_[1] }, $_[0] }
sub FETCH { return $_[0]{v}{value}{ $_[1] } }
sub STORE { $_[0]{v}{value}{ $_[1] } = $_[2]; Postern::Prelude::touch($_[0]{v}, $_[1]) }
sub EXISTS { return exists $_[0]{v}{value}{ $_[1] } }
sub CLEAR { @{ $_[0]{v} }{qw(value replaced places)} = ({}, 1, {}); Postern::Prelude::touch($_[0]{v}) }
sub SCALAR { return scalar %{ $_[0]{v}{value} } }
sub NEXTKEY { return each %{ $_[0]{v}{value} } }
sub FIRSTKEY { my $h = $_[0]{v}{value}; keys %$h; return each %$h }
sub DELETE { $_[0]{v}{replaced} = 1; Postern::Prelude::touch($_[0]{v}); return delete $_[0]{v}{value}{ $_[1] } }

package Postern::Prelude;

sub new_variable {
    my ($name, $sigil, $value, $row) = @_;
    my $v = { name => $name, sigil => $sigil, value => $value, row => $row, places => {} };
    my $reference = do {
        if ($sigil eq '$') { tie my $s, 'Postern::Prelude::Scalar', $v; \$s }
        elsif ($sigil eq '@') { tie my @a, 'Postern::Prelude::Array', $v; \@a }
        else { tie my %h, 'Postern::Prelude::Hash', $v; \%h }
    };
    $v->{reference} = $reference;
    $variable{"$sigil$name"} = $v;
    $by_address{ refaddr $reference } = $v;
    return $v;
}

my %empty = ('$' => sub { undef }, '@' => sub { [] }, '%' => sub { +{} });

# amavisd-new's value, or Postern's default as Perl has it; what is more than data is left empty.
sub default_value {
    my ($row) = @_;
    my ($name, $sigil) = @$row{qw(setting sigil)};
    return $amavis_default{$name} if exists $amavis_default{$name};
    return Sys::Hostname::hostname() if $name eq 'myhostname';
    my $value = Postern::Settings::parse($row->{default});
    my $wanted = { '@' => 'ARRAY', '%' => 'HASH' }->{$sigil};
    return $value if $wanted ? ref $value eq $wanted : !ref $value || ref $value eq 'ARRAY';
    return $empty{$sigil}->();
}

# Postern::Ref in a default becomes a reference to that variable.
sub resolve {
    my ($settings, $value) = @_;
    return [ map { resolve($settings, $_) } @$value ] if ref $value eq 'ARRAY';
    return { map { $_ => resolve($settings, $value->{$_}) } keys %$value } if ref $value eq 'HASH';
    return $value if ref $value ne 'Postern::Ref';
    my $row = $settings->find($value->{name}) or return;
    my $v = $variable{"$row->{sigil}$row->{setting}"};
    return $v->{reference};
}

sub setup {
    my ($settings) = @_;
    for my $name ($settings->names) {
        my $row = $settings->find($name);
        new_variable($name, $row->{sigil}, default_value($row), $row);
        new_variable($name, $_, $empty{$_}->(), undef) for grep { $_ ne $row->{sigil} } '$', '@', '%';
    }
    $_->{value} = resolve($settings, $_->{value}) for grep { $_->{row} } values %variable;
    for my $name (grep { !$settings->find($_) } sort keys %other) {
        new_variable($name, $_, $_ eq '$' ? $other_value{$name} : $empty{$_}->(), undef) for '$', '@', '%';
    }
    export_to('Amavis::Conf');
    export_to('main');
    unshift @INC, \&fake_module;
}

# ---- names in the packages of the files ----

my @functions = qw(c cr ca new_RE Opaque OpaqueRef q_sql_s q_sql_n q_sql_b q_ldap_s q_ldap_n q_ldap_b q_dns_a dkim_key read_hash read_array
    read_text read_cidr read_l10n_templates include_config_files include_optional_config_files find_config_files untaint do_log
    min max unique_list);

sub export_to {
    my ($package) = @_;
    no strict 'refs';
    no warnings qw(redefine prototype once);
    for my $v (values %variable) {
        *{"${package}::$v->{name}"} = $v->{reference};
    }
    for my $alias (keys %Postern::Settings::alias) {
        for my $sigil ('$', '@', '%') {
            my $v = $variable{"$sigil$Postern::Settings::alias{$alias}"};
            *{"${package}::$alias"} = $v->{reference} if $v;
        }
    }
    *{"${package}::$_"} = \&{"Postern::Functions::$_"} for @functions, keys %Postern::Constants::value;
}

# Modules of amavisd-new's that a file asks for: empty ones, whose import gives the names that are wanted.
sub fake_module {
    my (undef, $name) = @_;
    return if $name !~ m{\AAmavis(?:/.*)?\.pm\z};
    (my $package = $name) =~ s{/}{::}g;
    $package =~ s/\.pm\z//;
    my $source = "package $package; sub import { Postern::Prelude::export_to(scalar caller) } 1;\n";
    open my $in, '<', \$source;
    return $in;
}

# Names that neither Postern nor this file knows, so that "use strict" lets them pass.
sub declare {
    my ($symbol, @packages) = @_;
    my ($sigil, $name) = $symbol =~ /\A(.)(\w+)\z/;
    my $v = new_variable($name, $sigil, $empty{$sigil}->(), undef);
    push @unknown, $v;
    no strict 'refs';
    *{"${_}::$name"} = $v->{reference} for @packages;
}

# ---- reading the files ----

sub asked_for {
    my $place = place();
    return $place ? " (asked for at $place->[0] line $place->[1])" : '';
}

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!", asked_for(), "\n";
    local $/;
    return scalar <$in>;
}

sub evaluate {
    my ($file) = @_;
    $file =~ /["\n]/ and die "$file: such a name cannot be told to Perl\n";
    my $text = slurp($file);
    my @packages = ('Amavis::Conf', $text =~ /^\s*package\s+([\w:]+)/mg);
    my %declared;
    $depth++ < 100 or die "$file: include_config_files: files include each other without end\n";
    $conf_file{$file} = $file;
    while (1) {
        local $evaluating = 1;
        local $@;
        my $true = run_text(qq(package Amavis::Conf;\n#line 1 "$file"\n$text));
        my $fault = $@;
        my @missing = grep { !$declared{$_}++ } $fault =~ /Global symbol "([\$\@%]\w+)" requires explicit package name/g;
        if (@missing) {
            declare($_, @packages) for @missing;
            next;
        }
        die $fault if $fault;
        warn "$file: ends with a false value; amavisd-new would have refused it\n" if !$true;
        last;
    }
    $depth--;
}

# Folders are read as Debian does: files whose names hold letters, digits, - and _ only, in order.
sub files_of {
    my ($path) = @_;
    return $path if !-d $path;
    opendir my $folder, $path or die "$path: $!\n";
    return map { "$path/$_" } sort grep { /\A[\w-]+\z/a && -f "$path/$_" } readdir $folder;
}

# ---- what is found afterwards ----

# (name, or undef for an anonymous one; file; line, 0 where it has no body)
sub code_place {
    my ($code) = @_;
    my $cv = B::svref_2object($code);
    my $name = $cv->GV->can('NAME') ? $cv->GV->NAME : '__ANON__';
    my $op = $cv->START;
    $op = $op->next while $$op && !$op->isa('B::COP');
    return ($name eq '__ANON__' ? undef : $name, $$op ? ($op->file, $op->line) : ('', 0));
}

# Subroutines that the files define in packages of amavisd-new's: hooks.
sub custom_hooks {
    no strict 'refs';
    my @found;
    for my $name (sort keys %Amavis::Custom::) {
        my $code = defined &{"Amavis::Custom::$name"} ? \&{"Amavis::Custom::$name"} : next;
        my (undef, $file, $line) = code_place($code);
        push @found, [$name, $file, $line] if exists $conf_file{$file};
    }
    return @found;
}

# Variables of the files' own, without "my": building blocks, or settings misspelt.
sub own_variables {
    no strict 'refs';
    my @found;
    for my $name (sort keys %Amavis::Conf::) {
        next if $name !~ /\A[A-Za-z]\w*\z/a || $name eq 'AUTOLOAD' || $variable{"\$$name"} || exists $Postern::Settings::alias{$name};
        my $glob = \$Amavis::Conf::{$name};
        next if reftype($glob) ne 'GLOB';
        push @found, "\$$name" if defined ${ *{$glob}{SCALAR} };
        push @found, "\@$name" if *{$glob}{ARRAY} && @{ *{$glob}{ARRAY} };
        push @found, "%$name" if *{$glob}{HASH} && %{ *{$glob}{HASH} };
    }
    return @found;
}

# The name of the package variable that a reference points to, without sigil; undef: none.
sub own_name {
    my ($reference) = @_;
    no strict 'refs';
    for my $name (sort grep { /\A[A-Za-z]\w*\z/a } keys %Amavis::Conf::) {
        my $glob = \$Amavis::Conf::{$name};
        next if reftype($glob) ne 'GLOB';
        for my $kind ('ARRAY', 'HASH') {
            return $name if *{$glob}{$kind} && refaddr(*{$glob}{$kind}) == refaddr($reference);
        }
        my $value = ${ *{$glob}{SCALAR} };
        return $name if ref $value && refaddr($value) == refaddr($reference);
    }
    return;
}

# ---- what such files may call ----

package Postern::Functions;
use Scalar::Util qw(refaddr reftype);

{
    no strict 'refs';
    for my $name (keys %Postern::Constants::value) {
        my $number = $Postern::Constants::value{$name};
        *{$name} = sub () { $number };
    }
    for my $kind (qw(s n b)) {
        *{"q_sql_$kind"} = sub { return bless { database => 'sql', field => $_[0], type => $kind }, 'Postern::Field' };
        *{"q_ldap_$kind"} = sub { return bless { database => 'ldap', field => $_[0], type => $kind }, 'Postern::Field' };
    }
}

sub variable {
    my ($name, $sigil) = @_;
    return $Postern::Prelude::variable{"$sigil$name"} // die "no setting $sigil$name\n";
}

sub c ($) { return variable($_[0], '$')->{value} }
sub cr ($) {
    my ($name) = @_;
    my ($v) = grep { $_ && ($_->{row} || $_->{place}) } map { $Postern::Prelude::variable{"$_$name"} } '%', '@', '$';
    return ($v // variable($name, '$'))->{reference};
}
sub ca ($) { return variable($_[0], '@')->{reference} }
sub new_RE { return Amavis::Lookup::RE->new(@_) }
sub Opaque { return bless { value => $_[0] }, 'Postern::Opaque' }
sub OpaqueRef { return bless { value => $_[0], reference => 1 }, 'Postern::Opaque' }
sub q_dns_a { return bless { zone => $_[0] }, 'Postern::Dns' }
sub do_log { return }
sub untaint { return $_[0] }
sub min { my ($m) = sort { $a <=> $b } map { ref $_ ? @$_ : $_ } @_; return $m }
sub max { my ($m) = sort { $b <=> $a } map { ref $_ ? @$_ : $_ } @_; return $m }
sub unique_list { my %seen; return grep { defined && !$seen{$_}++ } map { ref $_ ? @$_ : $_ } @_ }

sub dkim_key ($$$;@) {
    push @Postern::Prelude::calls, ['dkim_key', Postern::Prelude::place(), $_[0], $_[1], ref $_[2] ? 'a key' : $_[2]];
    return;
}

sub include_config_files (@) { Postern::Prelude::evaluate($_) for @_; return 1 }
sub include_optional_config_files (@) { Postern::Prelude::evaluate($_) for grep { -e } @_; return 1 }
sub find_config_files { return map { Postern::Prelude::files_of($_) } @_ }

# Lines of a file; "#" outside of quotes begins a comment.
sub lines_of {
    my ($file) = @_;
    return map { join '', comment_cut($_) } split /\n/, Postern::Prelude::slurp($file);
}

sub comment_cut {
    my ($line) = @_;
    my $kept = '';
    while ($line =~ /\G("(?:\\.|[^"\\])*"|[^#"]+|"|#)/gs) {
        last if $1 eq '#';
        $kept .= $1;
    }
    return $kept;
}

# The local part of a quoted address without its quotes.
sub unquoted {
    my ($address) = @_;
    $address =~ s/\A"((?:\\.|[^"\\])*)"(?=@|\z)/my $local = $1; $local =~ s{\\(.)}{$1}gs; $local/es;
    return $address;
}

# By its absolute name: Postern takes names relative to the file that asks.
sub remember {
    my ($reader, $file, $content) = @_;
    $Postern::Prelude::file_of_content{ Postern::Prelude::content_key($content) } //= [$reader, File::Spec->rel2abs($file)];
    return $content;
}

sub read_hash (@) {
    my $into = ref $_[0] ? shift : {};
    my ($file) = @_;
    my %read;
    for my $line (lines_of($file)) {
        $line =~ s/[ \t\r]+\z//;
        my ($key, $value) = $line =~ /\A((?:"(?:\\.|[^"\\])*"|[^ \t"]|")*)[ \t]*(.*)\z/s;
        next if $key eq '' && $value eq '';
        $read{ lowered(unquoted($key)) } = $value eq '' ? 1 : $value;
    }
    remember('read_hash', $file, \%read);
    $into->{$_} = $read{$_} for keys %read;
    return $into;
}

# Local parts differ by case only where the setting says so; domains never.
sub lowered {
    my ($address) = @_;
    return lc $address if !$Postern::Prelude::variable{'$localpart_is_case_sensitive'}{value};
    $address =~ s/(\@[^@]*)\z/lc $1/e;
    return $address;
}

sub read_array (@) {
    my $into = ref $_[0] ? shift : [];
    my ($file) = @_;
    my @read;
    for my $line (lines_of($file)) {
        $line =~ s/[ \t\r]+\z//;
        push @read, unquoted($line) if $line ne '';
    }
    remember('read_array', $file, \@read);
    push @$into, @read;
    return $into;
}

# Postfix's cidr_table(5): blank and comment lines are nothing, a line that begins with a blank continues the one before.
sub read_cidr ($;$) {
    my ($file, $into) = @_;
    $into //= [];
    my @logical;
    for my $line (grep { !/\A[ \t]*(?:#|\z)/ } split /\n/, Postern::Prelude::slurp($file)) {
        if ($line =~ /\A[ \t]/ && @logical) {
            $logical[-1] .= $line;
        } else {
            push @logical, $line;
        }
    }
    for my $line (@logical) {
        my ($network, $value) = split ' ', $line, 2;
        if (reftype($into) eq 'ARRAY') {
            push @$into, $network;
        } else {
            $into->{ lc $network } = defined $value && $value ne '' ? $value : 1;
        }
    }
    return $into;
}

sub read_text ($;$) {
    my ($file, $encoding) = @_;
    my $text = Postern::Prelude::slurp($file);
    require Encode;
    $text = Encode::decode($encoding, $text) if defined $encoding && $encoding ne '';
    remember('read_text', $file, $text);
    return $text;
}

my %template = ('dsn' => 'notify_sender_templ', 'virus-sender' => 'notify_virus_sender_templ', 'virus-admin' => 'notify_virus_admin_templ',
    'virus-recipient' => 'notify_virus_recips_templ', 'spam-sender' => 'notify_spam_sender_templ', 'spam-admin' => 'notify_spam_admin_templ');

# One folder, or a language and the folder above it.
sub read_l10n_templates ($;$) {
    my $folder = @_ > 1 ? "$_[1]/$_[0]" : $_[0];
    my ($charset) = grep { /\A[^#\s]/ } split /\n/, Postern::Prelude::slurp("$folder/charset");
    $charset =~ s/\s.*//s;
    ${ $Postern::Prelude::variable{"\$$template{$_}"}{reference} } = read_text("$folder/template-$_.txt", $charset) for sort keys %template;
    return;
}

package Postern::Prelude;

# Equal for equal contents of texts, lists and hashes of texts; '' for what is empty or holds more.
sub content_key {
    my ($content) = @_;
    my $type = ref $content ? reftype $content : '';
    my @parts = $type eq 'HASH' ? map { ($_, $content->{$_}) } sort keys %$content : $type eq 'ARRAY' ? @$content : $type eq '' ? $content // '' : ();
    return '' if !@parts || grep { !defined || ref } @parts;
    return join "\0", $type, map { length($_) . ":$_" } @parts;
}

package Amavis::Lookup::RE;
$INC{'Amavis/Lookup/RE.pm'} = __FILE__;
sub new { my ($class, @rules) = @_; return bless [@rules], $class }

package Amavis::Lookup::IP;
$INC{'Amavis/Lookup/IP.pm'} = __FILE__;
sub new { my ($class, @networks) = @_; return bless [@networks], $class }

package Amavis::Lookup::Label;
$INC{'Amavis/Lookup/Label.pm'} = __FILE__;
sub new { my ($class, $text) = @_; return bless { text => $text }, $class }

package Amavis::Conf;
$INC{'Amavis/Conf.pm'} = __FILE__;
our $AUTOLOAD;
sub import { Postern::Prelude::export_to(scalar caller) }

# A function that only amavisd-new has: noted, and nothing comes of the call.
sub AUTOLOAD {
    (my $name = $AUTOLOAD) =~ s/.*:://;
    return if $name eq 'DESTROY';
    push @Postern::Prelude::calls, [$name, Postern::Prelude::place()];
    return;
}

1;
