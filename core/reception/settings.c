/* settings.c - reads the settings record, with a default for whatever it does not name. */
#include "config.h"
#include "reception/settings.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "base/text.h"

#define MAX_UNSIGNED 1000000000

const char *const extension_names[EXTENSION_COUNT] = {
	"VRFY", "PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "XFORWARD"
};

static const char *get_text(void *owner, const struct settings_record *s, const char *name, const char *otherwise)
{
	const char *value = settings_record_get(s, name);
	return talloc_strdup(owner, value != NULL ? value : otherwise);
}

static int64_t get_number(const struct settings_record *s, const char *name, int64_t low, int64_t otherwise)
{
	const char *text = settings_record_get(s, name);
	int64_t value = otherwise;
	if (text != NULL && *text != '\0' && !text_parse_size(text, &value))	/* "1000" or "2G" */
		value = otherwise;
	return value < low ? low : value;
}

static unsigned get_count(const struct settings_record *s, const char *name, unsigned low, unsigned otherwise)
{
	int64_t value = get_number(s, name, low, otherwise);
	return value > MAX_UNSIGNED ? MAX_UNSIGNED : (unsigned)value;
}

static bool get_flag(const struct settings_record *s, const char *name, bool otherwise)
{
	static const char *const off[] = { "", "0", "no", "false", "off" };
	const char *value = settings_record_get(s, name);
	if (value == NULL)
		return otherwise;
	for (size_t i = 0; i < G_N_ELEMENTS(off); i++)
		if (g_ascii_strcasecmp(value, off[i]) == 0)
			return false;
	return true;
}

static int get_acl(void *owner, const struct settings_record *s, const char *name, const char *const *otherwise, struct acl **out, struct error *e)
{
	bool given = false;
	*out = acl_new(owner);
	for (uint32_t i = 0; i < s->count; i++) {
		if (strcmp(s->pairs[i].name, name) != 0)
			continue;
		given = true;
		if (s->pairs[i].value != NULL && acl_add(*out, s->pairs[i].value, e) != 0)
			return error_prefix(e, "%s", name);
	}
	for (; !given && *otherwise != NULL; otherwise++)
		if (acl_add(*out, *otherwise, e) != 0)
			return -1;
	return 0;
}

static unsigned get_discarded(const struct settings_record *s, const char *name)
{
	unsigned bits = 0;
	for (uint32_t i = 0; i < s->count; i++)
		for (unsigned k = 0; k < EXTENSION_COUNT; k++)
			if (strcmp(s->pairs[i].name, name) == 0 && s->pairs[i].value != NULL
			    && g_ascii_strcasecmp(s->pairs[i].value, extension_names[k]) == 0)
				bits |= 1u << k;
	return bits;
}

static int get_protocol(const struct settings_record *s, const char *name, enum session_protocol *out, struct error *e)
{
	const char *value = settings_record_get(s, name);
	if (value == NULL || *value == '\0')
		*out = PROTOCOL_AUTO;
	else if (g_ascii_strcasecmp(value, "SMTP") == 0)
		*out = PROTOCOL_SMTP;
	else if (g_ascii_strcasecmp(value, "LMTP") == 0)
		*out = PROTOCOL_LMTP;
	else
		return error_set(e, ERROR_CONFIG, "%s: \"%s\" is not a protocol spoken here; expected SMTP, LMTP or nothing", name, value);
	return 0;
}

/* RFC 5321 4.5.3.1.7: a server must take messages of 64 kB. */
static int64_t get_size_limit(const struct settings_record *s, const char *name)
{
	int64_t limit = get_number(s, name, 0, 0);
	bool enforced = get_flag(s, "enforce_smtpd_message_size_limit_64kb_min", false);
	return enforced && limit > 0 && limit < 65536 ? 65536 : limit;
}

static bool is_named(const struct settings_record *s, const char *name)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (strcmp(s->pairs[i].name, name) == 0)
			return true;
	return false;
}

/* Of two prefixes the name by the first, where there is such a one, else by the second. */
static const char *either_name(char *name, size_t size, const struct settings_record *s, const char *prefix, const char *otherwise, const char *suffix)
{
	snprintf(name, size, "%s%s", prefix, suffix);
	if (!is_named(s, name))
		snprintf(name, size, "%s%s", otherwise, suffix);
	return name;
}

static int read_options(void *owner, const struct settings_record *s, const char *prefix, const char *otherwise, struct listener_options *l, struct error *e)
{
	static const char *const loopback[] = { "127.0.0.1", "[::1]", NULL };
	char name[100];
#define NAME(suffix) either_name(name, sizeof name, s, prefix, otherwise, suffix)
	if (get_protocol(s, NAME("protocol"), &l->protocol, e) != 0
	    || get_acl(owner, s, NAME("inet_acl"), loopback, &l->inet_acl, e) != 0)
		return -1;
	l->message_size_limit = get_size_limit(s, NAME("smtpd_message_size_limit"));
	l->timeout_ms = get_number(s, NAME("smtpd_timeout_ms"), 10, 480000);
	l->child_timeout_ms = get_number(s, NAME("child_timeout_ms"), 10, 480000);
	l->greeting_banner = get_text(owner, s, NAME("smtpd_greeting_banner"), "${helo-name} ${protocol} ${product} service ready");
	l->quit_banner = get_text(owner, s, NAME("smtpd_quit_banner"), "${helo-name} ${product} closing transmission channel");
	l->discarded = get_discarded(s, NAME("smtpd_discard_ehlo_keywords"));
#undef NAME
	return 0;
}

static int read_listener(void *owner, const struct settings_record *s, unsigned n, struct listener_options *l, struct error *e)
{
	char name[40], listener[40], prefix[60];
	snprintf(listener, sizeof listener, "listener.%u.", n);
	if (read_options(owner, s, listener, listener, l, e) != 0)
		return -1;
	snprintf(name, sizeof name, "listener.%u.local", n);
	for (uint32_t i = 0; i < s->count; i++) {
		if (strcmp(s->pairs[i].name, name) != 0 || s->pairs[i].value == NULL)
			continue;
		l->locals = talloc_realloc(owner, l->locals, struct listener_options, l->local_count + 1);
		struct listener_options *local = &l->locals[l->local_count];
		*local = (struct listener_options){ .local_text = talloc_strdup(owner, s->pairs[i].value) };
		snprintf(prefix, sizeof prefix, "listener.%u.local.%u.", n, l->local_count++);
		if (read_options(owner, s, prefix, listener, local, e) != 0)
			return -1;
	}
	return 0;
}

static int read_bare_newline(const struct settings_record *s, enum bare_newline *out, struct error *e)
{
	const char *value = settings_record_get(s, "smtpd_bare_newline");
	*out = BARE_NEWLINE_NORMALISE;
	if (value == NULL || *value == '\0' || g_ascii_strncasecmp(value, "normali", 7) == 0)
		return 0;
	if (g_ascii_strcasecmp(value, "reject") != 0)
		return error_set(e, ERROR_CONFIG, "smtpd_bare_newline: \"%s\" is neither \"normalise\" nor \"reject\"", value);
	*out = BARE_NEWLINE_REJECT;
	return 0;
}

static void read_limits(const struct settings_record *s, struct reception_options *o)
{
	o->recipient_limit = MIN(get_count(s, "smtpd_recipient_limit", 1, 1100), WIRE_RECIPIENTS_MAX);
	o->line_length_limit = get_count(s, "smtpd_line_length_limit", 512, 2048);
	o->error_limit = get_count(s, "smtpd_error_limit", 1, 20);
	o->junk_command_limit = get_count(s, "smtpd_junk_command_limit", 1, 100);
	o->max_connections = get_count(s, "max_connections", 0, 20000);
	o->max_connections_per_peer = get_count(s, "max_connections_per_peer", 0, 0);
	o->queue_mails = get_count(s, "queue_limit_mails", 0, 1000);
	o->queue_bytes = (uint64_t)get_number(s, "queue_limit_bytes", 0, 256LL * 1024 * 1024);
	o->queue_time_ms = get_number(s, "queue_time_limit_ms", 1, 120000);
	o->work_area_limit = (uint64_t)get_number(s, "work_area_limit", 0, 0);
	o->work_area_peer_limit = (uint64_t)get_number(s, "work_area_peer_limit", 0, 0);
	o->grace_ms = get_number(s, "child_timeout_grace_ms", 0, 5000);
	o->ask_above = get_number(s, "ask_recipients_above", -1, -1);
	o->ask_ms = get_number(s, "ask_recipients_ms", 10, 5000);
	o->chunking = get_flag(s, "smtpd_chunking", true);
}

static int read_all(struct reception_options *o, const struct settings_record *s, unsigned listener_count, struct error *e)
{
	static const char *const nobody[] = { NULL };
	o->work_area = get_text(o, s, "TEMPBASE", "/tmp");
	o->myhostname = get_text(o, s, "myhostname", "localhost");
	read_limits(s, o);
	if (read_bare_newline(s, &o->bare_newline, e) != 0 || get_acl(o, s, "xforward_hosts", nobody, &o->xforward_hosts, e) != 0)
		return -1;
	o->listener_count = listener_count;
	o->listeners = talloc_zero_array(o, struct listener_options, listener_count);
	for (unsigned i = 0; i < listener_count; i++)
		if (read_listener(o, s, i, &o->listeners[i], e) != 0)
			return -1;
	return 0;
}

struct reception_options *reception_options_read(void *owner, const struct settings_record *s, unsigned listener_count, struct error *e)
{
	struct reception_options *o = talloc_zero(owner, struct reception_options);
	if (read_all(o, s, listener_count, e) == 0)
		return o;
	error_prefix(e, "reception");
	talloc_free(o);
	return NULL;
}
