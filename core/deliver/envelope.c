/* envelope.c - see envelope.h. */
#include "config.h"

#include <string.h>

#include "deliver/envelope.h"
#include "deliver/xforward.h"

void envelope_commands_init(struct envelope_commands *e)
{
	e->text = g_string_new(NULL);
	e->steps = g_array_new(FALSE, TRUE, sizeof(struct step));
}

void envelope_commands_clear(struct envelope_commands *e)
{
	g_string_free(e->text, TRUE);
	g_array_free(e->steps, TRUE);
}

static void end_step(struct envelope_commands *e, enum step_kind kind, unsigned slot)
{
	struct step step = { kind, slot, e->text->len };

	g_array_append_val(e->steps, step);
}

void envelope_add_reset(struct envelope_commands *e)
{
	g_string_append(e->text, "RSET\r\n");
	end_step(e, STEP_RESET, 0);
}

void envelope_add_xforward(struct envelope_commands *e, const struct mail *m, unsigned offered)
{
	GString *lines = g_string_new(NULL);
	const char *at = lines->str, *lf;

	xforward_append(lines, m, offered);
	for (at = lines->str; (lf = strchr(at, '\n')) != NULL; at = lf + 1) {
		g_string_append_len(e->text, at, lf + 1 - at);
		end_step(e, STEP_XFORWARD, 0);
	}
	g_string_free(lines, TRUE);
}

/* A parameter's value that was given by the client: printable, without blanks, or it is left out. */
static void append_parameter(GString *out, const char *name, const char *value)
{
	size_t n = 0;

	if (!value || !*value)
		return;
	for (; value[n]; n++)
		if (value[n] <= ' ' || value[n] >= 0x7f)
			return;
	if (n <= 500)
		g_string_append_printf(out, " %s=%s", name, value);
}

static void append_body_type(GString *out, const struct deliver_order *order, const struct capabilities *offers, bool eight_bit)
{
	unsigned declared = order->mail->envelope->body_8bitmime;

	if (!offers->eight_bit_mime)
		return;
	if (eight_bit || declared == 2)
		g_string_append(out, " BODY=8BITMIME");
	else if (declared == 1)
		g_string_append(out, " BODY=7BIT");
}

void envelope_add_mail(struct envelope_commands *e, const struct deliver_order *order, const struct capabilities *offers,
	const struct envelope_needs *needs)
{
	const struct envelope *v = order->mail->envelope;

	g_string_append_printf(e->text, "MAIL FROM:<%s>", v->sender);
	if (offers->size)
		g_string_append_printf(e->text, " SIZE=%llu", (unsigned long long)needs->size_bytes);
	append_body_type(e->text, order, offers, needs->eight_bit);
	if (needs->smtputf8)
		g_string_append(e->text, " SMTPUTF8");
	if (offers->dsn && order->settings->propagate_dsn) {
		append_parameter(e->text, "RET", v->ret);
		append_parameter(e->text, "ENVID", v->envid);
	}
	if (offers->auth)
		append_parameter(e->text, "AUTH", v->auth);
	g_string_append(e->text, "\r\n");
	end_step(e, STEP_MAIL, 0);
}

/* RFC 3461 4.1: NEVER stands alone. */
static void append_notify(GString *out, unsigned notify)
{
	static const struct { unsigned bit; const char *word; } words[] = {
		{ NOTIFY_SUCCESS, "SUCCESS" }, { NOTIFY_FAILURE, "FAILURE" }, { NOTIFY_DELAY, "DELAY" }
	};
	const char *lead = " NOTIFY=";

	if (notify & NOTIFY_NEVER) {
		g_string_append(out, " NOTIFY=NEVER");
		return;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!(notify & words[i].bit))
			continue;
		g_string_append_printf(out, "%s%s", lead, words[i].word);
		lead = ",";
	}
}

void envelope_add_rcpt(struct envelope_commands *e, const struct deliver_order *order, const struct capabilities *offers,
	unsigned recipient, unsigned slot)
{
	const struct recipient *to = &order->mail->recipients[recipient];
	const struct envelope_recipient *r = to->envelope;

	g_string_append_printf(e->text, "RCPT TO:<%s>", recipient_forward_address(to));
	if (offers->dsn && order->settings->propagate_dsn) {
		append_notify(e->text, r->notify);
		append_parameter(e->text, "ORCPT", to->forward_orcpt ? to->forward_orcpt : r->orcpt);
	}
	g_string_append(e->text, "\r\n");
	end_step(e, STEP_RCPT, slot);
}

void envelope_add_data(struct envelope_commands *e)
{
	g_string_append(e->text, "DATA\r\n");
	end_step(e, STEP_DATA, 0);
}

bool envelope_address_is_safe(const char *address)
{
	bool quoted = false;

	for (; *address; address++) {
		unsigned char c = (unsigned char)*address;

		if (c < ' ' || c == 0x7f)
			return false;
		if (c == '\\' && quoted && address[1])
			address++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ' ' || c == '<' || c == '>'))
			return false;
	}
	return !quoted;
}

bool envelope_address_is_ascii(const char *address)
{
	for (; *address; address++)
		if ((unsigned char)*address >= 0x80)
			return false;
	return true;
}
