# Settings.pm - Postern's table of settings, as posternd prints it, and what each was to amavisd-new's Perl: its sigil.
#
# The table comes from `posternd -d --json` of the version that is converted for, so that no second list of settings has
# to be kept here. Defaults are Lua source there; the simple ones are read into Perl values.
package Postern::Settings;
use strict;
use warnings;
use JSON::PP ();
use POSIX ();

my %sigil_of_kind = (
    MAPS => '@', SCANNERS => '@', PAIRS => '@', DSN => '@',
    CCAT => '%', CCAT_MAPS => '%', HASH => '%', BANKS => '%', RULES => '%', CLAUSES => '%',
);
my %sigil_of_name = (
    (map { $_ => '@' } qw(listen_sockets daemon_groups zmq_sockets smtpd_discard_ehlo_keywords auth_mech_avail altermime_args_defang
        altermime_args_disclaimer anomy_sanitizer_args decoders inet_acl mynetworks ip_repu_ignore_networks)),
    (map { $_ => '$' } qw(per_recip_whitelist_sender_lookup_tables per_recip_blacklist_sender_lookup_tables default_ldap partition_tag)),
    local_delivery_aliases => '%',
);
# Other spellings that amavisd-new takes.
our %alias = (DO_SYSLOG => 'do_syslog', LOGFILE => 'logfile', sql_partition_tag => 'partition_tag',
    final_destiny_by_ccat => 'final_destiny_maps_by_ccat', defang_by_ccat => 'defang_maps_by_ccat');

# Run posternd with these arguments: (what it printed, its exit code, the signal that ended it or 0). No shell.
sub run {
    my ($posternd, @arguments) = @_;
    my $child = open(my $pipe, '-|') // die "cannot start a process: $!\n";
    if (!$child) {
        open(STDERR, '>&', \*STDOUT) if grep { $_ eq '-t' } @arguments;
        no warnings 'exec';
        exec { $posternd->[0] } @$posternd, @arguments or print STDERR "$posternd->[0]: $!\n";
        POSIX::_exit(127);
    }
    my $text = do { local $/; <$pipe> };
    close $pipe;
    return ($text // '', $? >> 8, $? & 127);
}

sub load {
    my ($class, $posternd) = @_;
    my ($text, $code, $signal) = run($posternd, '-d', '--json');
    $code == 0 && !$signal or die "$posternd->[0] -d --json ended with $code; name the posternd to convert for by --posternd\n";
    my $self = bless { order => [], by_name => {} }, $class;
    for my $row (@{ JSON::PP->new->utf8->decode($text) }) {
        $row->{kind} // die "$posternd->[0] does not say of what kind its settings are: it is older than this program\n";
        push @{ $self->{order} }, $row->{setting};
        $self->{by_name}{ $row->{setting} } = $row;
    }
    for my $row (values %{ $self->{by_name} }) {
        $row->{sigil} = $self->sigil($row);
    }
    return $self;
}

# A TABLE is a hash where an ACL of the same name stands beside it (%virus_lovers, @virus_lovers_acl).
sub sigil {
    my ($self, $row) = @_;
    my $name = $row->{setting};
    return $sigil_of_name{$name} if $sigil_of_name{$name};
    return '@' if $name =~ /_maps\z/;
    return $sigil_of_kind{ $row->{kind} } if $sigil_of_kind{ $row->{kind} };
    return '@' if $name =~ /_acl\z/;
    return $row->{kind} eq 'TABLE' && $self->{by_name}{ $name . '_acl' } ? '%' : '$';
}

sub names { @{ $_[0]{order} } }
sub find { $_[0]{by_name}{ $alias{ $_[1] } // $_[1] } }

# ---- defaults: Lua source to Perl values ----

# Lua true and false are 1 and 0; a name is a Postern::Ref, setting "x" a Postern::Follow; what is more than data is a Postern::Expression.
sub parse {
    my ($text) = @_;
    my $copy = $text;
    my $value = eval { my $v = parse_value(\$copy); $copy =~ /\S/ and die "more than a value\n"; [$v] };
    return $value ? $value->[0] : bless { text => $text }, 'Postern::Expression';
}

my %escape = (n => "\n", t => "\t", r => "\r");

sub parse_string {
    my ($s) = @_;
    $s =~ s/\\(x[0-9a-fA-F]{2}|\d{1,3}|.)/length $1 > 1 && $1 =~ m{^x(..)} ? chr hex $1 : $1 =~ m{^\d+\z} ? chr $1 : $escape{$1} \/\/ $1/gse;
    return $s;
}

sub parse_value {
    my ($in) = @_;
    return parse_string($1) if $$in =~ s/\A\s*"((?:[^"\\]|\\.)*)"//s;
    return $1 + 0 if $$in =~ s/\A\s*(-?\d+(?:\.\d+)?)\b(?!\s*\.\.)//;
    return bless { name => $1 }, 'Postern::Follow' if $$in =~ s/\A\s*setting\s+"(\w+)"//;
    return parse_table($in) if $$in =~ s/\A\s*\{//;
    $$in =~ s/\A\s*(\w+)(?=\s*(?:[,}\]]|\z))// or die "not data\n";
    my $word = $1;
    return $word eq 'true' ? 1 : $word eq 'false' ? 0 : undef if $word =~ /\A(?:true|false|undef)\z/;
    return $Postern::Constants::value{$word} if exists $Postern::Constants::value{$word};
    return bless { name => $word }, 'Postern::Ref';
}

sub parse_table {
    my ($in) = @_;
    my (@list, %hash);
    until ($$in =~ s/\A\s*\}//) {
        if ($$in =~ s/\A\s*\[//) {
            my $key = parse_value($in);
            $$in =~ s/\A\s*\]\s*=// or die "not a key\n";
            $hash{ named_category($key) } = parse_value($in);
        } elsif ($$in =~ s/\A\s*(\w+)\s*=//) {
            $hash{$1} = parse_value($in);
        } else {
            push @list, parse_value($in);
        }
        $$in =~ s/\A\s*,// or $$in =~ /\A\s*\}/ or die "not a table\n";
    }
    die "list and keys\n" if @list && %hash;
    return %hash ? \%hash : \@list;
}

# "CC_BADH,1" is "4,1" in Perl.
sub named_category {
    my ($key) = @_;
    $key =~ s/\A(CC_\w+)/$Postern::Constants::value{$1} \/\/ $1/e;
    return $key;
}

package Postern::Constants;
our %value = (
    D_TEMPFAIL => -4, D_REJECT => -3, D_BOUNCE => -2, D_DISCARD => 0, D_PASS => 1,
    CC_CATCHALL => 0, CC_CLEAN => 1, CC_MTA => 2, CC_OVERSIZED => 3, CC_BADH => 4, CC_SPAMMY => 5, CC_SPAM => 6,
    CC_UNCHECKED => 7, CC_BANNED => 8, CC_VIRUS => 9,
);
sub name_of {
    my ($prefix, $number) = @_;
    my ($name) = grep { /\A\Q$prefix\E/ && $value{$_} == $number } sort keys %value;
    return $name;
}

1;
