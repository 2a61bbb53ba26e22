/* delivery.c - the delivery role: one mail with its edits, as a stream, to a plugin that puts it somewhere. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <time.h>

#include "plugin/inside.h"

struct postern_delivery {
	const struct plugin_delivery_order *order;
	void *arena;
	const char *rest;
	struct edit_stream *stream;
	bool lf;
};

static const char *rest_of(const char *method)
{
	const char *colon = method ? strchr(method, ':') : NULL;
	return colon ? colon + 1 : "";
}

static void copy_delivered(const struct plugin_delivered *from, enum postern_result r, const char *error, void *owner,
	struct plugin_delivered *out)
{
	*out = (struct plugin_delivered){ .result = r, .error = error, .type = from->type };
	out->reply = from->reply ? talloc_strdup(owner, from->reply) : NULL;
	out->location = from->location ? talloc_strdup(owner, from->location) : NULL;
}

void plugin_deliver(struct plugin_instance *i, const struct plugin_delivery_order *order, struct deadline d, void *owner,
	struct plugin_delivered *out)
{
	*out = (struct plugin_delivered){ .result = POSTERN_BROKEN, .error = "the plugin does not deliver" };
	if (!i->plugin->delivery)
		return;
	const char *why = call_claim(i, owner);
	if (why) {
		*out = (struct plugin_delivered){ .result = POSTERN_TEMPFAIL, .error = why };
		return;
	}
	struct plugin_delivered said = { 0 };
	struct postern_call *c = call_begin(i, NULL, d);
	c->delivered = &said;
	struct postern_delivery *delivery = talloc_zero(c->arena, struct postern_delivery);
	*delivery = (struct postern_delivery){ .order = order, .arena = c->arena, .rest = rest_of(order->method) };
	enum postern_result r = i->plugin->delivery->deliver(c, delivery);
	if (r == POSTERN_OK && !said.reply)
		r = postern_fail(c, POSTERN_BROKEN, "the plugin says that it is done, but not where the mail is");
	copy_delivered(&said, r, call_blame(c, r, owner), owner, out);
	call_end(c);
	call_release(i);
}

const char *postern_delivery_rest(const struct postern_delivery *d) { return d->rest; }
const char *postern_delivery_mail_id(const struct postern_delivery *d) { return d->order->mail->mail_id; }

const char *postern_delivery_target(const struct postern_delivery *d)
{
	return d->order->target ? d->order->target : "";
}

const char *postern_delivery_sender(const struct postern_delivery *d)
{
	return d->order->sender ? d->order->sender : "";
}

size_t postern_delivery_recipient_count(const struct postern_delivery *d)
{
	size_t count = 0;
	while (d->order->recipients && d->order->recipients[count])
		count++;
	return count;
}

const char *postern_delivery_recipient(const struct postern_delivery *d, size_t i)
{
	return i < postern_delivery_recipient_count(d) ? d->order->recipients[i] : NULL;
}

const char *postern_delivery_setting(struct postern_call *c, const struct postern_delivery *d, const char *name)
{
	const char *text = d->order->setting ? d->order->setting(d->order->setting_context, name) : NULL;
	return text ? talloc_strdup(c->arena, text) : NULL;
}

static void append_time(GString *to)
{
	struct tm tm;
	time_t now = time(NULL);
	gmtime_r(&now, &tm);
	g_string_append_printf(to, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void append_digest(GString *to, const struct mail *m)
{
	for (size_t k = 0; m->ledger_digest_known && k < sizeof m->digest; k++)
		g_string_append_printf(to, "%02x", m->digest[k]);
}

/* An address may hold any character; in a name only these are left. */
static void append_address(GString *to, const char *address)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._+-";
	for (; *address; address++)
		g_string_append_c(to, strchr(plain, *address) ? *address : '=');
}

static void append_macro(struct postern_call *c, const struct postern_delivery *d, char letter, GString *to)
{
	const struct mail *m = d->order->mail;
	const char *tag;
	switch (letter) {
	case 'm': g_string_append(to, m->mail_id); break;
	case 'n': append_address(to, m->log_id ? m->log_id : ""); break;
	case 'i': append_time(to); break;
	case 'b': append_digest(to, m); break;
	case 's': append_address(to, postern_delivery_sender(d)); break;
	case 'P':
		tag = postern_delivery_setting(c, d, "sql_partition_tag");
		append_address(to, tag ? tag : "");
		break;
	case '%': g_string_append_c(to, '%'); break;
	default: g_string_append_printf(to, "%%%c", letter);
	}
}

const char *postern_delivery_expand(struct postern_call *c, const struct postern_delivery *d, const char *pattern)
{
	GString *text = g_string_new(NULL);
	for (const char *p = pattern; *p; p++) {
		if (*p == '%' && p[1])
			append_macro(c, d, *++p, text);
		else
			g_string_append_c(text, *p);
	}
	char *copy = talloc_strdup(c->arena, text->str);
	g_string_free(text, TRUE);
	return copy;
}

void postern_delivery_use_lf(struct postern_delivery *d, bool lf)
{
	d->lf = lf;
}

ssize_t postern_delivery_read(struct postern_call *c, struct postern_delivery *d, void *to, size_t n)
{
	const struct mail *m = d->order->mail;
	if (postern_time_left_ms(c) == 0) {
		postern_fail(c, POSTERN_TEMPFAIL, "time over");
		return -1;
	}
	if (!d->stream)
		d->stream = edit_stream_open(d->arena, m->fd, m->size_bytes, &m->header, d->order->edits, d->lf ? EDIT_LF : EDIT_CRLF, false);
	ssize_t got = edit_stream_read(d->stream, to, n);
	if (got < 0)
		postern_fail(c, POSTERN_TEMPFAIL, "reading the mail: %s", g_strerror(errno));
	return got;
}

void postern_delivered(struct postern_call *c, const char *reply, const char *location, char type)
{
	if (!c->delivered)
		return;
	*c->delivered = (struct plugin_delivered){ .reply = talloc_strdup(c->arena, reply),
		.location = location ? talloc_strdup(c->arena, location) : NULL, .type = type };
}
