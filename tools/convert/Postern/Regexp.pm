# Regexp.pm - Perl's regular expressions as PCRE2's. The two agree on nearly all; what they do not share is translated or refused.
package Postern::Regexp;
use strict;
use warnings;
use re ();

# (pattern, flags for rx(), why it cannot be said in PCRE2 or undef)
sub translate {
    my ($regexp) = @_;
    my ($pattern, $modifiers) = re::regexp_pattern($regexp);
    my $flags = join '', grep { index($modifiers, $_) >= 0 } qw(i m s n);
    my $before = '';
    if ($modifiers =~ /xx/) {
        $before = '(?xx)';
    } elsif ($modifiers =~ /x/) {
        $flags .= 'x';
    }
    my $why = fault($pattern);
    $pattern = $before . join '', map { translate_token($_) } tokens($pattern);
    $flags .= 'u' if utf8::is_utf8($pattern) && $pattern =~ /[^\x00-\x7f]/ || $pattern =~ /\\x\{0*[1-9a-fA-F][0-9a-fA-F]{2,}\}/;
    return ($pattern, $flags, $why);
}

sub fault {
    my ($pattern) = @_;
    return 'it runs Perl code' if $pattern =~ /\(\?\??\{/;
    return 'it uses \N{NAME}' if $pattern =~ /\\N\{(?!U\+)/;
    return 'it uses \b{...}' if $pattern =~ /\\[bB]\{/;
    return;
}

# An escape, a whole character class, the beginning of a group, or one character.
sub tokens {
    my ($pattern) = @_;
    return $pattern =~ /\G(\\[xoNpPgkX]?\{[^}]*\}|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?\^?[a-z]*(?:-[a-z]*)?[:)]|\(\?.|.)/gs;
}

# Modifiers for character sets (a, d, l, u) and p have no counterpart and change nothing for mail addresses and octets.
sub translate_token {
    my ($token) = @_;
    return "\\x{$1}" if $token =~ /\A\\N\{U\+([0-9a-fA-F]+)\}\z/;
    if ($token =~ /\A\(\?(\^?)([a-z]*)((?:-[a-z]*)?)([:)])\z/) {
        my ($caret, $on, $off, $end) = ($1, $2, $3, $4);
        $on =~ tr/adlup//d;
        $off = '' if $off eq '-';
        return $caret || $on ne '' || $off ne '' ? "(?$caret$on$off$end" : $end eq ':' ? '(?:' : '';
    }
    return $token;
}

sub groups {
    my ($pattern) = @_;
    return scalar grep { $_ eq '(' } tokens($pattern);
}

# A plugin takes the first group of a match as the name, amavisd-new any group: alternatives then number theirs alike, by (?|...).
sub first_group {
    my ($pattern) = @_;
    return $pattern if groups($pattern) < 2;
    return '(?|' . join('', map { $_ eq '(?:' ? '(?|' : $_ } tokens($pattern)) . ')';
}

1;
