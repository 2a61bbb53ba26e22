# Scanners.pm - entries of @av_scanners as constructors of Postern's scanner plugins.
#
# An entry is [name, program or \&function, arguments, clean, infected, names, before, after]; for \&ask_daemon the arguments are
# [query, socket or sockets, extra], and a prefix of the socket chooses the protocol. A program that is not on this host was left
# out by amavisd-new in silence, and is left out here, with a word.
package Postern::Scanners;
use strict;
use warnings;
use Postern::Lua;
use Postern::Regexp;

# (name, node or undef, remarks of [how, text]); how: lost, detail or absent. all: programs that are absent too.
sub translate {
    my ($entry, $path, $all) = @_;
    my ($name, $program, $arguments, $clean, $infected, $names, @around) = @$entry;
    my @remarks;
    push @remarks, [detail => 'what was to run before and after it (Perl) is left out'] if grep { defined } @around;
    my $node;
    if (ref $program eq 'CODE') {
        $node = function($entry, \@remarks);
    } else {
        my $found = find_program($program, $path);
        return ($name, undef, [absent => $found ? '' : join ' or ', ref $program ? @$program : $program]) if !$found && !$all;
        $node = Postern::Lua::call('command', Postern::Lua::leaf(Postern::Lua::quote($found // first_of($program))));
        option($node, args => arguments($arguments));
        verdicts($node, $entry, \@remarks, undef);
        $node = undef if !grep { ($_->[0] // '') eq 'infected' } @{ $node->{items} };
        push @remarks, [lost => 'nothing tells what is infected'] if !$node && !defined $infected;
    }
    return ($name, $node, @remarks);
}

sub first_of { return ref $_[0] ? $_[0][0] : $_[0] }

sub option {
    my ($node, $key, $value) = @_;
    push @{ $node->{items} }, [$key, $value] if $value;
}

sub find_program {
    my ($programs, $path) = @_;
    for my $program (grep { defined && $_ ne '' } ref $programs ? @$programs : $programs) {
        my ($file) = split ' ', $program;
        my @try = $file =~ m{/} ? $file : map { "$_/$file" } split /:/, $path;
        for (grep { -f && -x } @try) { return $file }
    }
    return;
}

# amavisd-new splits at blanks and knows no quotes.
sub arguments {
    my ($text) = @_;
    return if !defined $text;
    return Postern::Lua::leaf(Postern::Lua::quote($text)) if $text !~ /["']/ && $text =~ / /;
    return Postern::Lua::list(map { Postern::Lua::leaf(Postern::Lua::quote($_)) } split ' ', $text);
}

# ---- what tells clean, infected and the names ----

sub codes { return Postern::Lua::list(map { Postern::Lua::leaf(Postern::Lua::number($_)) } @{ $_[0] }) }

# Plugins match their regular expressions with ^ and $ at every line.
sub regexp {
    my ($regexp, $as_names, $remarks, $what) = @_;
    my ($pattern, $flags, $why) = Postern::Regexp::translate($regexp);
    if ($why) {
        push @$remarks, [lost => "$what: $why"];
        return;
    }
    push @$remarks, [detail => "$what: of several groups in one alternative the first one is the name"]
        if $as_names && Postern::Regexp::groups($pattern) > 1 && $pattern !~ /\|/;
    $pattern = Postern::Regexp::first_group($pattern) if $as_names;
    $pattern = "(?-m)$pattern" if $flags !~ /m/ && $pattern =~ /\^|\$/;
    $flags =~ tr/m//d;
    my $text = $pattern =~ /["\\]/ ? Postern::Lua::long($pattern) : Postern::Lua::quote($pattern);
    return Postern::Lua::leaf($flags ne '' ? "rx($text, \"$flags\")" : $text =~ /\A"/ ? $text : "rx($text)");
}

sub verdict {
    my ($value, $remarks, $what) = @_;
    return if !defined $value;
    return codes($value) if ref $value eq 'ARRAY';
    return regexp($value, 0, $remarks, $what) if ref $value eq 'Regexp';
    push @$remarks, [lost => "$what: is neither exit codes nor a regular expression"];
    return;
}

sub verdicts {
    my ($node, $entry, $remarks, $no_codes) = @_;
    my ($clean, $infected, $names) = @$entry[3 .. 5];
    if ($no_codes) {
        ($clean, $infected) = map { ref $_ eq 'Regexp' ? $_ : undef } $clean, $infected;
    }
    option($node, clean => verdict($clean, $remarks, 'clean'));
    option($node, infected => verdict($infected, $remarks, 'infected'));
    if (ref $names eq 'CODE') {
        push @$remarks, [detail => 'names: a subroutine in Perl; malware is told without its name'];
    } elsif (ref $names eq 'Regexp') {
        option($node, names => regexp($names, 1, $remarks, 'names'));
    }
}

# ---- daemons ----

sub function {
    my ($entry, $remarks) = @_;
    my ($name, $file, $line) = Postern::Prelude::code_place($entry->[1]);
    return daemon($entry, $remarks) if defined $name && !$line && $name =~ /\Aask_(?:daemon|av_smtp)\z/;
    return Postern::Lua::call('clamav') if defined $name && $name =~ /\A(?:ask_clamav|clamav_module_internal)\z/;
    push @$remarks, [lost => $line ? "is a subroutine in Perl ($file:$line)" : "needs the function $name, which has no counterpart"];
    return;
}

sub sockets {
    my ($sockets) = @_;
    my @sockets = map { my $s = $_; $s =~ s/\A(?:unix|local)://; $s =~ s/\A(?:inet6?|tcp)://; $s } ref $sockets ? @$sockets : $sockets;
    my @nodes = map { Postern::Lua::leaf(Postern::Lua::quote($_)) } @sockets;
    return @nodes == 1 ? $nodes[0] : Postern::Lua::list(@nodes);
}

sub daemon {
    my ($entry, $remarks) = @_;
    my ($query, $sockets, $extra) = ref $entry->[2] eq 'ARRAY' ? @{ $entry->[2] } : ($entry->[2]);
    my ($name) = $entry->[0] // '';
    my @sockets = grep { defined } ref $sockets ? @$sockets : $sockets;
    if (!@sockets) {
        push @$remarks, [lost => 'names no socket'];
        return;
    }
    my $protocol = $sockets[0] =~ /\A(simple|sophie|trophie|sssp|savapi|clamd|smtp|lmtp|clamav-perl|savi-perl):/ ? $1 : '';
    s/\A\Q$protocol\E:// for @sockets;
    $protocol = 'clamd' if $protocol =~ /\A(?:simple)?\z/ && ($query // '') =~ /\A[nz]?(?:CONT|MULTI|RAW|ALLMATCH)?SCAN \{\}(?:\/\*)?[\n\0]*\z/
        && ref $entry->[4] && $entry->[4] =~ /FOUND/;
    return clamd(\@sockets) if $protocol eq 'clamd';
    return Postern::Lua::call('clamav') if $protocol eq 'clamav-perl';
    if ($protocol eq 'savi-perl') {
        push @$remarks, [lost => 'the library SAVI in process has no counterpart; ask savdid with sssp { }'];
        return;
    }
    my $node = Postern::Lua::call($protocol =~ /\A(?:sssp|savapi)\z/ ? $protocol : $protocol =~ /\A[sl]mtp\z/ ? 'smtpscan' : 'sophie', sockets(\@sockets));
    if ($protocol =~ /\A[sl]mtp\z/) {
        option($node, protocol => Postern::Lua::leaf(qq("$protocol")));
        option($node, recipient => Postern::Lua::leaf(Postern::Lua::quote($extra))) if defined $extra && !ref $extra;
        verdicts($node, $entry, $remarks, 1);
    } elsif ($protocol eq 'savapi') {
        option($node, product => Postern::Lua::leaf(Postern::Lua::quote($extra))) if defined $extra && !ref $extra;
    } elsif ($protocol ne 'sssp') {
        line_protocol($node, $entry, $query, $name . $protocol, $remarks);
    }
    return $node;
}

# The bytes of a mail's parts go over the connection: no daemon needs to be let into the work area.
sub clamd {
    my ($sockets) = @_;
    return Postern::Lua::call('clamd', sockets($sockets));
}

my %in_query = ("\n" => '\n', "\r" => '\r', "\0" => '\0', '\\' => '\\\\');

sub line_protocol {
    my ($node, $entry, $query, $name, $remarks) = @_;
    my $session = $name =~ /Sophie|Trophie|fpscand/i;
    if (defined $query) {
        (my $text = $query) =~ s/([\n\r\0\\])/$in_query{$1}/g;
        $text =~ s/([^\x20-\x7e])/sprintf '\x%02x', ord $1/ge;
        option($node, query => Postern::Lua::leaf($text =~ /\\/ ? Postern::Lua::long($text) : Postern::Lua::quote($text)));
    }
    option($node, reply => Postern::Lua::leaf('"eof"')) if !$session;
    option($node, session => Postern::Lua::leaf('false')) if !$session;
    verdicts($node, $entry, $remarks, 1);
}

1;
