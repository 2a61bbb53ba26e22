/* actions.c - names what was done with a mail. It decides nothing. */
#include "report/actions.h"

/* Both lists are in alphabetical order: that is the order of the words. */
enum { WORD_ACCEPTED, WORD_BOUNCED, WORD_DISCARDED, WORD_NOBOUNCE, WORD_REJECTED, WORD_RELAYED_TAGGED, WORD_RELAYED, WORD_TEMPFAILED, WORDS };
enum { TO_INBOUND, TO_INTERNAL, TO_OPENRELAY, TO_OUTBOUND, DIRECTIONS };

static const char *const words[WORDS] = {
	[WORD_ACCEPTED] = "Accepted", [WORD_BOUNCED] = "Bounced", [WORD_DISCARDED] = "Discarded", [WORD_NOBOUNCE] = "NoBounce",
	[WORD_REJECTED] = "Rejected", [WORD_RELAYED_TAGGED] = "RelayedTagged", [WORD_RELAYED] = "Relayed",
	[WORD_TEMPFAILED] = "TempFailed"
};
static const char *const directions[DIRECTIONS] = {
	[TO_INBOUND] = "Inbound", [TO_INTERNAL] = "Internal", [TO_OPENRELAY] = "OpenRelay", [TO_OUTBOUND] = "Outbound"
};

enum action_fate actions_fate(enum destiny destiny, bool relayed, const char *reply, enum action_dsn dsn)
{
	char class = reply ? reply[0] : '4';
	if (class != '2' && class != '5')
		return ACTION_TEMPFAILED;
	if (class == '5' && destiny == D_REJECT)
		return ACTION_REJECTED;
	if (relayed)
		return ACTION_RELAYED;
	if (destiny == D_DISCARD)
		return ACTION_DISCARDED;
	if (destiny == D_BOUNCE || destiny == D_REJECT) {
		if (dsn != ACTION_DSN_NONE)
			return dsn == ACTION_DSN_SENT ? ACTION_BOUNCED : ACTION_NOBOUNCE;
		return class == '5' ? ACTION_REJECTED : ACTION_NOBOUNCE;
	}
	return class == '5' ? ACTION_REJECTED : ACTION_ACCEPTED;
}

static unsigned recipient_word(const struct action_recipient *r)
{
	switch (r->fate) {
	case ACTION_ACCEPTED:
		return WORD_ACCEPTED;
	case ACTION_BOUNCED:
		return WORD_BOUNCED;
	case ACTION_DISCARDED:
		return WORD_DISCARDED;
	case ACTION_NOBOUNCE:
		return WORD_NOBOUNCE;
	case ACTION_REJECTED:
		return WORD_REJECTED;
	case ACTION_RELAYED:
		return r->tagged ? WORD_RELAYED_TAGGED : WORD_RELAYED;
	case ACTION_TEMPFAILED:
		break;
	}
	return WORD_TEMPFAILED;
}

static unsigned recipient_direction(bool originating, bool is_local)
{
	if (originating)
		return is_local ? TO_INTERNAL : TO_OUTBOUND;
	return is_local ? TO_INBOUND : TO_OPENRELAY;
}

static void append_word(GString *out, gsize start, const char *word, const char *direction)
{
	if (out->len > start)
		g_string_append_c(out, ',');
	g_string_append(out, word);
	g_string_append(out, direction);
}

void actions_format(GString *out, const struct action_facts *facts)
{
	bool seen[WORDS][DIRECTIONS] = { { false } };
	gsize start = out->len;
	for (unsigned i = 0; i < facts->recipient_count; i++) {
		const struct action_recipient *r = &facts->recipients[i];
		seen[recipient_word(r)][recipient_direction(facts->originating, r->is_local)] = true;
	}
	for (unsigned w = 0; w < WORDS; w++)
		for (unsigned d = 0; d < DIRECTIONS; d++)
			if (seen[w][d])
				append_word(out, start, words[w], directions[d]);
	if (facts->quarantined)
		append_word(out, start, "Quarantined", "");
	if (facts->archived)
		append_word(out, start, "Archived", "");
}
