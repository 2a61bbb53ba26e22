# Lua.pm - Lua source: quoted texts, and values laid out over lines. Knows nothing of settings.
#
# A node is { text => "source" }, or { open => "re ", items => [ [key source or undef, node], ... ] }.
package Postern::Lua;
use strict;
use warnings;

our $WIDTH = 120;

sub leaf { return { text => $_[0] } }
sub list { return { open => '', items => [ map { [undef, $_] } @_ ] } }

sub call {
    my ($name, @nodes) = @_;
    return { open => "$name ", items => [ map { [undef, $_] } @nodes ] };
}

# Octets: texts that Perl holds as characters become UTF-8.
sub octets {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    return $text;
}

sub is_utf8 {
    my ($octets) = @_;
    return utf8::decode($octets);
}

my %escape = ("\n" => '\n', "\t" => '\t', "\r" => '\r', '"' => '\"', '\\' => '\\\\');

sub quote {
    my $text = octets($_[0]);
    my $keep_high = is_utf8($text);
    $text =~ s/([\x00-\x1f\x7f"\\])/$escape{$1} \/\/ sprintf '\x%02x', ord $1/ge;
    $text =~ s/([\x80-\xff])/sprintf '\x%02x', ord $1/ge if !$keep_high;
    return qq("$text");
}

# Between long brackets nothing is an escape; but a CR would become a newline there, and a newline at the start is lost.
sub long {
    my $text = octets($_[0]);
    return quote($text) if $text =~ /\r|[^\n\t\x20-\x7e\x80-\xff]/ || $text =~ /\A\n/ || !is_utf8($text);
    my $level = '';
    $level .= '=' while $text =~ /\]\Q$level\E(?:\]|\z)/;
    return "[${level}[$text]$level]";
}

# Whichever reads better.
sub text {
    my ($text) = @_;
    return $text =~ /[\\"]|\n./ ? long($text) : quote($text);
}

my %reserved = map { $_ => 1 } qw(and break do else elseif end false for function goto if in local nil not or repeat return then true until while);

sub is_name { return $_[0] =~ /\A[A-Za-z_]\w*\z/a && !$reserved{ $_[0] } }
sub key { return is_name($_[0]) ? $_[0] : '[' . quote($_[0]) . ']' }

sub number {
    my ($number) = @_;
    return $number =~ /\A-?(?:0|[1-9]\d*)\z/ && abs $number < 2**53 ? "$number" : sprintf '%.15g', $number;
}

sub flat {
    my ($node) = @_;
    return $node->{text} if defined $node->{text};
    return "$node->{open}\{}" if !@{ $node->{items} };
    return "$node->{open}\{ " . join(', ', map { item_flat($_) } @{ $node->{items} }) . ' }';
}

sub item_flat {
    my ($item) = @_;
    return (defined $item->[0] ? "$item->[0] = " : '') . flat($item->[1]);
}

# One line where it fits behind what stands at `used`, else an item a line.
sub render {
    my ($node, $indent, $used) = @_;
    my $flat = flat($node);
    return $flat if defined $node->{text} || !@{ $node->{items} };
    return $flat if $flat !~ /\n/ && $used + length $flat <= $WIDTH && !$node->{broken};
    my $pad = "\t" x ($indent + 1);
    my $text = "$node->{open}\{\n";
    for my $item (@{ $node->{items} }) {
        my $before = defined $item->[0] ? "$item->[0] = " : '';
        $text .= $pad . $before . render($item->[1], $indent + 1, 8 * ($indent + 1) + length $before) . ",\n";
    }
    return $text . "\t" x $indent . '}';
}

1;
