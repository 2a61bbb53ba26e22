#!/usr/bin/perl -T
# amavis_lookup.pl - answers lookups with the lookup tables of an installed amavisd-new, for test_differential_lookup.py.
#
# It loads their modules from where the package puts them and starts nothing.  One case a line in, one answer a line out, both JSON:
#   {"kind": "hash"|"acl"|"re"|"networks"|"clients", "table": [...], "key": "...", "delimiter": "+", "case": 0|1}
#   {"kind": "keys", "table": ["user@" is a user 0|1, bare user 0|1], ...}: [keys joined with " ; ", "keys"]
#   [result, matching key], strings or null; of a rule the key is its place in the table, from 0
use strict;
use warnings;
no warnings 'once';
use JSON::PP;

BEGIN {
	eval { require Amavis::Conf; require Amavis::Lookup; require Amavis::Lookup::RE; require Amavis::Lookup::IP;
		require Amavis::rfc2821_2822_Tools; 1 } or do { print STDERR $@; exit 77 };
}

my ($delimiter, $case) = ('', 0);
my $bank = \%Amavis::Conf::current_policy_bank;
$bank->{recipient_delimiter} = \$delimiter;
$bank->{localpart_is_case_sensitive} = \$case;
$bank->{log_level} = 0;
my $clear = Amavis::rfc2821_2822_Tools->can('clear_query_keys_cache') or do { print STDERR "no clear_query_keys_cache\n"; exit 77 };

sub answer {
	my ($q) = @_;
	my ($kind, $table, $key) = @$q{qw(kind table key)};
	return (join(' ; ', @{ (Amavis::rfc2821_2822_Tools::make_query_keys($key, $table->[0], $table->[1], ''))[0] }), 'keys') if $kind eq 'keys';
	return Amavis::Lookup::lookup_hash($key, {map { @$_ } @$table}) if $kind eq 'hash';
	return Amavis::Lookup::lookup_acl($key, $table) if $kind eq 'acl';
	return Amavis::Lookup::IP::lookup_ip_acl($key, $table) if $kind eq 'clients';
	return Amavis::Lookup::IP::lookup_ip_acl($key, {map { @$_ } @$table}) if $kind eq 'clienthash';
	return Amavis::Lookup::IP::lookup_ip_acl($key, Amavis::Lookup::IP->new(@$table)) if $kind eq 'networks';
	my @rules = map { [$_->[1] ? qr/$_->[0]/i : qr/$_->[0]/, $_->[2]] } @$table;
	my ($result, $which) = Amavis::Lookup::RE->new(@rules)->lookup_re($key);
	my ($place) = grep { defined $which && "$rules[$_][0]" eq "$which" } 0 .. $#rules;
	return ($result, $place);
}

$| = 1;
my $json = JSON::PP->new->utf8(0)->allow_nonref;	# octets in, octets out
while (my $line = <STDIN>) {
	my $q = $json->decode($line);
	utf8::downgrade($q->{key});
	for my $item (@{$q->{table}}) {
		if (ref $item) { defined $_ and utf8::downgrade($_) for @$item } else { utf8::downgrade($item) }
	}
	($delimiter, $case) = @$q{qw(delimiter case)};
	$clear->();
	my ($result, $key) = answer($q);
	print $json->encode([map { defined $_ ? "$_" : undef } $result, $key]), "\n";
}
