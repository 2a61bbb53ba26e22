/* settings_out.c - chooses and prints what master, reception and opener template may know.  It reads, it changes nothing. */
#include "template/settings_out.h"

#include <gio/gio.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>

#include "base/io.h"
#include "lookup/lookup.h"
#include "lookup/record.h"
#include "plugin/host.h"
#include "worker/banks.h"

struct pairs { void *owner; struct settings_record *record; };

/* value NULL: named, and nothing. */
static void add_pair(struct pairs *p, const char *name, const char *value)
{
	struct settings_record *r = p->record;
	r->pairs = talloc_realloc(p->owner, r->pairs, struct setting_pair, r->count + 1);
	r->pairs[r->count++] = (struct setting_pair){ .name = talloc_strdup(p->owner, name), .value = value ? talloc_strdup(p->owner, value) : NULL };
}

static void add(struct pairs *p, const char *name, const char *value)
{
	if (value)
		add_pair(p, name, value);
}

static void add_number(struct pairs *p, const char *name, int64_t value)
{
	add(p, name, talloc_asprintf(p->owner, "%lld", (long long)value));
}

static void add_setting(struct pairs *p, const struct policy *policy, enum setting_id id)
{
	const struct value *v = policy_value(policy, id);
	if (v->kind == VALUE_BOOL)
		add_number(p, setting_name(id), v->u.boolean);
	else if (v->kind != VALUE_UNDEF)
		add(p, setting_name(id), value_text(v, p->owner));
}

static void add_ms(struct pairs *p, const struct policy *policy, enum setting_id id, const char *prefix)
{
	char *name = talloc_asprintf(p->owner, "%s%s_ms", prefix, setting_name(id));
	add_number(p, name, policy_ms(policy, id, 0));
}

static void add_strings(struct pairs *p, const struct policy *policy, enum setting_id id, const char *name)
{
	const char *const *list = policy_strings(policy, id, p->owner);
	for (size_t i = 0; list && list[i]; i++)
		add(p, name, list[i]);
}

static void add_common(struct pairs *p, const struct policy *policy, const char *role)
{
	static const enum setting_id log_settings[] = { SET_log_level, SET_syslog_ident, SET_syslog_facility, SET_logfile, SET_logline_maxlen, SET_log_json };
	add(p, "for", role);
	for (size_t i = 0; i < sizeof log_settings / sizeof *log_settings; i++)
		add_setting(p, policy, log_settings[i]);
	/* Its default is syslog; in the foreground that must be asked for. */
	if (policy_value(policy, SET_do_syslog)->file)
		add_setting(p, policy, SET_do_syslog);
	add_setting(p, policy, SET_daemon_user);
	add_strings(p, policy, SET_daemon_group, "daemon_groups");
	add_strings(p, policy, SET_daemon_groups, "daemon_groups");
	add_setting(p, policy, SET_TEMPBASE);
	add_setting(p, policy, SET_MYHOME);
}

static struct pairs begin(void *owner, struct settings_record *out)
{
	*out = (struct settings_record){ 0 };
	return (struct pairs){ .owner = owner, .record = out };
}

void settings_for_master(const struct config *c, void *owner, struct settings_record *out)
{
	struct pairs p = begin(owner, out);
	struct policy policy;
	policy_init(&policy, c);
	add_common(&p, &policy, "master");
	add_setting(&p, &policy, SET_QUARANTINEDIR);
	add_setting(&p, &policy, SET_control_socket);
	add_setting(&p, &policy, SET_listen_queue_size);
	add_setting(&p, &policy, SET_unix_socket_mode);
	add_setting(&p, &policy, SET_max_servers);
	const char *const *listeners = config_listen_sockets(c, owner);
	for (size_t i = 0; listeners[i]; i++)
		add(&p, "listener", listeners[i]);
}

/* One that is empty lets nobody in; who is told of none has a default. */
static void add_acl(struct pairs *p, const struct value *acl, const char *name)
{
	const char *const *items = lookup_acl_texts(acl, p->owner);
	if (!items || !items[0])
		add_pair(p, name, NULL);
	for (size_t i = 0; items && items[i]; i++)
		add(p, name, items[i]);
}

/* What a session gets that comes in at `text` by the listener written so. */
static void add_options(struct pairs *p, const struct config *c, const char *prefix, const char *text, const char *listener_text)
{
	static const enum setting_id plain[] = { SET_protocol, SET_smtpd_message_size_limit, SET_smtpd_greeting_banner, SET_smtpd_quit_banner };
	struct policy policy;
	policy_init(&policy, c);
	banks_by_interface(&policy, text, listener_text, p->owner);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		const char *value = policy_value(&policy, plain[i])->kind == VALUE_UNDEF ? NULL : value_text(policy_value(&policy, plain[i]), p->owner);
		add(p, talloc_asprintf(p->owner, "%s%s", prefix, setting_name(plain[i])), value);
	}
	add_ms(p, &policy, SET_smtpd_timeout, prefix);
	add_ms(p, &policy, SET_child_timeout, prefix);
	add_acl(p, policy_value(&policy, SET_inet_acl), talloc_asprintf(p->owner, "%sinet_acl", prefix));
	add_strings(p, &policy, SET_smtpd_discard_ehlo_keywords, talloc_asprintf(p->owner, "%ssmtpd_discard_ehlo_keywords", prefix));
}

/* Its sessions may come in at addresses that are written otherwise: it is at every address, or at those of a name. */
static bool has_other_addresses(const char *text)
{
	struct endpoint at;
	struct error e;
	if (*text == '/' || endpoint_parse(text, &at, &e) != 0)
		return false;
	return strcmp(at.host, "0.0.0.0") == 0 || strcmp(at.host, "::") == 0 || !g_hostname_is_ip_address(at.host);
}

static bool same_port(const char *a, const char *b)
{
	const char *colon_a = strrchr(a, ':'), *colon_b = strrchr(b, ':');
	return *a != '/' && *b != '/' && colon_a && colon_b && strcmp(colon_a, colon_b) == 0;
}

/* The values of that name in one text. */
static char *values_of(const struct settings_record *r, const char *name, void *owner)
{
	char *text = talloc_strdup(owner, "");
	for (uint32_t i = 0; i < r->count; i++)
		if (strcmp(r->pairs[i].name, name) == 0)
			text = talloc_asprintf_append(text, "%s\n", r->pairs[i].value ? r->pairs[i].value : "");
	return text;
}

static bool differ(const struct settings_record *a, const struct settings_record *b, const char *name)
{
	void *owner = talloc_new(NULL);
	bool found = strcmp(values_of(a, name, owner), values_of(b, name, owner)) != 0;
	talloc_free(owner);
	return found;
}

static void add_values(struct pairs *p, const struct settings_record *from, const char *prefix, const char *name)
{
	const char *full = talloc_asprintf(p->owner, "%s%s", prefix, name);
	uint32_t before = p->record->count;
	for (uint32_t i = 0; i < from->count; i++)
		if (strcmp(from->pairs[i].name, name) == 0)
			add_pair(p, full, from->pairs[i].value);
	if (p->record->count == before)
		add_pair(p, full, NULL);
}

/* What is other for sessions at `key` than for `others`, the rest of the listener's. true: anything. */
static bool add_local(struct pairs *p, const struct config *c, const char *prefix, const char *key, const char *listener_text,
	const struct settings_record *others)
{
	static const char *const names[] = { "protocol", "smtpd_message_size_limit", "smtpd_greeting_banner", "smtpd_quit_banner", "smtpd_timeout_ms",
		"child_timeout_ms", "inet_acl", "smtpd_discard_ehlo_keywords" };
	struct settings_record here_record;
	struct pairs here = begin(talloc_new(p->owner), &here_record);
	bool any = false;
	add_options(&here, c, "", key, listener_text);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!differ(others, &here_record, names[i]))
			continue;
		add_values(p, &here_record, prefix, names[i]);
		any = true;
	}
	talloc_free(here.owner);
	return any;
}

/* A listener at every address ("0.0.0.0:10024") takes sessions at addresses that interface_policy names: each may have options of its own. */
static void add_listener(struct pairs *p, const struct config *c, unsigned n, const char *text)
{
	const struct value *interfaces = config_value(c, SET_interface_policy);
	struct settings_record others_record;
	struct pairs others = begin(p->owner, &others_record);
	unsigned local = 0;
	add_options(p, c, talloc_asprintf(p->owner, "listener.%u.", n), text, NULL);
	add_options(&others, c, "", text, NULL);
	for (size_t i = 0; has_other_addresses(text) && interfaces->kind == VALUE_HASH && i < interfaces->u.list.count; i++) {
		const char *key = interfaces->u.list.keys[i]->u.string;
		bool is_there = same_port(key, text) && strcmp(key, text) != 0;
		if (is_there && add_local(p, c, talloc_asprintf(p->owner, "listener.%u.local.%u.", n, local), key, text, &others_record)) {
			add(p, talloc_asprintf(p->owner, "listener.%u.local", n), key);
			local++;
		}
	}
}

bool settings_want_questions(const struct config *c)
{
	return config_sets_list(c, SET_message_size_limit_maps) || config_record_source(c, RECORD_SQL) || config_record_source(c, RECORD_LDAP);
}

void settings_for_reception(const struct config *c, void *owner, struct settings_record *out)
{
	static const enum setting_id plain[] = {
		SET_myhostname, SET_smtpd_recipient_limit, SET_smtpd_line_length_limit, SET_smtpd_error_limit, SET_smtpd_junk_command_limit,
		SET_smtpd_bare_newline, SET_smtpd_chunking, SET_max_connections, SET_max_connections_per_peer, SET_queue_limit_mails,
		SET_queue_limit_bytes, SET_work_area_limit, SET_work_area_peer_limit, SET_enforce_smtpd_message_size_limit_64kb_min,
	};
	struct pairs p = begin(owner, out);
	struct policy policy;
	policy_init(&policy, c);
	add_common(&p, &policy, "reception");
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		add_setting(&p, &policy, plain[i]);
	add_ms(&p, &policy, SET_queue_time_limit, "");
	add_ms(&p, &policy, SET_child_timeout_grace, "");
	if (settings_want_questions(c))
		add_number(&p, "ask_recipients_above", policy_bool(&policy, SET_enforce_smtpd_message_size_limit_64kb_min) ? 65536 : 0);
	add_acl(&p, policy_value(&policy, SET_xforward_hosts), "xforward_hosts");
	const char *const *listeners = config_listen_sockets(c, owner);
	for (unsigned i = 0; listeners[i]; i++) {
		add(&p, "listener", listeners[i]);
		add_listener(&p, c, i, listeners[i]);
	}
}

static void add_instance(struct pairs *p, const struct config *c, const struct plugin_instance *i)
{
	const char **names, **values;
	size_t count = plugin_instance_pairs(i, p->owner, &names, &values);
	add(p, "instance", i->plugin->name);
	add(p, "instance.file", config_plugin_file(c, i));
	add_number(p, "instance.number", i->number);
	for (size_t k = 0; k < count; k++)
		add(p, talloc_asprintf(p->owner, "instance.option.%s", names[k]), values[k]);
}

void settings_for_opener(const struct config *c, void *owner, struct settings_record *out)
{
	struct pairs p = begin(owner, out);
	struct policy policy;
	policy_init(&policy, c);
	add_common(&p, &policy, "opener");
	add_setting(&p, &policy, SET_opener_memory_limit);
	add_setting(&p, &policy, SET_opener_file_limit);
	add_setting(&p, &policy, SET_max_requests);
	add_ms(&p, &policy, SET_plugin_check_interval, "");
	size_t count;
	struct plugin_instance *const *instances = config_instances(c, &count);
	for (size_t i = 0; i < count; i++)
		if (instances[i]->plugin->capabilities & POSTERN_CAP_HOSTILE_PARSER)
			add_instance(&p, c, instances[i]);
}
