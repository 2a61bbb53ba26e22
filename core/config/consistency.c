/* consistency.c - what can only be judged when all settings are known: names of banks, scanners, destinies that are not built. */
#include "config.h"

#include "config/inside.h"

#include <string.h>
#include <talloc.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/text.h"
#include "mail/mail.h"

static const char *nearest_bank(const struct config *c, const char *name, void *owner)
{
	guint count;
	gpointer *all = g_hash_table_get_keys_as_array(c->banks, &count);
	const char *near = text_nearest(name, (const char *const *)(void *)all, count);
	const char *text = near ? talloc_asprintf(owner, "; did you mean \"%s\"?", near)
		: talloc_asprintf(owner, "; expected one defined by policy_bank.%s = { ... }", name);

	g_free(all);
	return text;
}

static void check_bank_names(struct config *c, enum setting_id id, const char *path, const struct value *v)
{
	char **names;
	const char *file;
	int line;

	if (!v || v->kind != VALUE_STRING)
		return;
	names = g_strsplit_set(v->u.string, ", \t", -1);
	file = setting_file(c, id, v, &line);
	for (int i = 0; names[i]; i++)
		if (names[i][0] && strcmp(names[i], "MYNETS") && !config_has_bank(c, names[i]))
			problem_add(c, file, line, false, "%s: there is no policy bank \"%s\"%s", path, names[i], nearest_bank(c, names[i], c));
	g_strfreev(names);
}

static void check_interfaces(struct config *c)
{
	const struct value *v = c->base[SET_interface_policy];

	for (size_t i = 0; v->kind == VALUE_HASH && i < v->u.list.count; i++) {
		char *path = g_strdup_printf("interface_policy[\"%s\"]", v->u.list.keys[i]->u.string);

		check_bank_names(c, SET_interface_policy, path, v->u.list.items[i]);
		g_free(path);
	}
}

static void check_clients(struct config *c, const char *prefix, const struct value *v)
{
	for (size_t i = 0; v->kind == VALUE_LIST && i < v->u.list.count; i++) {
		const struct value *pair = v->u.list.items[i];
		char *path = g_strdup_printf("%sclient_ipaddr_policy[%zu][2]", prefix, i + 1);

		if (pair->kind == VALUE_LIST && pair->u.list.count == 2)
			check_bank_names(c, SET_client_ipaddr_policy, path, pair->u.list.items[1]);
		g_free(path);
	}
}

/* Lists whose results are names of banks: what can be read off their tables now. A captured "$1" cannot. */
static void check_named_by_tables(struct config *c, enum setting_id id, const char *prefix, const struct value *maps)
{
	char *path = g_strdup_printf("%s%s", prefix, setting_name(id));
	void *owner = talloc_new(c);

	for (size_t i = 0; maps->kind == VALUE_LIST && i < maps->u.list.count; i++) {
		const struct value *table = maps->u.list.items[i];
		size_t count = 0;
		const struct value **results = table->kind == VALUE_TABLE ? lookup_table_results(table->u.table, owner, &count) : NULL;

		for (size_t k = 0; k < count; k++)
			if (results[k]->kind == VALUE_STRING && !strchr(results[k]->u.string, '$') && strcmp(results[k]->u.string, "1"))
				check_bank_names(c, id, path, results[k]);
	}
	talloc_free(owner);
	g_free(path);
}

static void check_named(struct config *c, enum setting_id id, const char *prefix, const struct value *v)
{
	switch (id) {
	case SET_client_ipaddr_policy:
		check_clients(c, prefix, v);
		break;
	case SET_virus_name_to_policy_bank_maps:
	case SET_header_to_policy_bank_maps:
	case SET_author_to_policy_bank_maps:
		check_named_by_tables(c, id, prefix, v);
		break;
	case SET_banned_filename_maps:
		check_banned_maps(c, prefix, v);
		break;
	case SET_final_destiny_maps_by_ccat:
		check_destinies(c, prefix, v);
		break;
	case SET_message_size_limit_maps:
		check_sizes(c, prefix, v);
		break;
	case SET_forward_method_maps:
		check_next_hops(c, prefix, v);
		break;
	case SET_allowed_header_tests:
		check_header_tests(c, prefix, v);
		break;
	default:
		break;
	}
}

static void check_all_names(struct config *c)
{
	GHashTableIter at;
	gpointer name, data;

	check_interfaces(c);
	for (int i = 0; i < SETTING_COUNT; i++)
		check_named(c, (enum setting_id)i, "", c->base[i]);
	g_hash_table_iter_init(&at, c->banks);
	while (g_hash_table_iter_next(&at, &name, &data)) {
		const struct bank *b = data;
		char *prefix = g_strdup_printf("policy_bank.%s.", b->name);

		for (size_t i = 0; i < b->count; i++)
			check_named(c, b->entries[i].id, prefix, b->entries[i].value);
		g_free(prefix);
	}
}

/* Nobody is to believe that mail is checked when it is not. */
static bool virus_checks_bypassed(const struct config *c)
{
	struct lookup_key *key = lookup_key_address(NULL, "postmaster@example.com", &(struct lookup_style){ 0 });
	bool bypassed = lookup_true(c->base[SET_bypass_virus_checks_maps], key, NULL, key, NULL);

	talloc_free(key);
	return bypassed;
}

static size_t list_length(const struct value *v)
{
	return v->kind == VALUE_LIST ? v->u.list.count : 0;
}

static bool bank_has_scanners(const struct config *c)
{
	GHashTableIter at;
	gpointer name, data;

	g_hash_table_iter_init(&at, c->banks);
	while (g_hash_table_iter_next(&at, &name, &data)) {
		const struct bank *b = data;

		for (size_t i = 0; i < b->count; i++)
			if (b->entries[i].id == SET_av_scanners && list_length(b->entries[i].value))
				return true;
	}
	return false;
}

static void check_scanners_exist(struct config *c)
{
	const char *file;
	int line;

	if (list_length(c->base[SET_av_scanners]) || list_length(c->base[SET_av_scanners_backup]) || bank_has_scanners(c))
		return;
	if (virus_checks_bypassed(c) || c->scanner_failed || c->cut_short)
		return;
	file = setting_file(c, SET_av_scanners, NULL, &line);
	problem_add(c, file, line, false, "av_scanners: no virus scanner is configured and virus checks are not bypassed; "
		"expected av_scanners = { clamd { } } or bypass_virus_checks_maps = { true }");
}

static void warn_of_bounce(struct config *c, enum setting_id id, const char *path, const struct value *v, bool *told)
{
	const char *file;
	int line;

	if (!v || v->kind != VALUE_INT || v->u.integer != D_BOUNCE || *told)
		return;
	file = setting_file(c, id, v, &line);
	problem_add(c, file, line, true, "%s: D_BOUNCE is answered as D_REJECT until notifications are built: the MTA bounces", path);
	*told = true;
}

static void check_bounces(struct config *c)
{
	bool told = false;
	GHashTableIter at;
	gpointer name, data;

	for (int i = 0; i < SETTING_COUNT; i++)
		if (c->changed[i] && definition((enum setting_id)i)->type == SETTING_TYPE_DESTINY)
			warn_of_bounce(c, (enum setting_id)i, setting_name((enum setting_id)i), c->raw[i], &told);
	g_hash_table_iter_init(&at, c->banks);
	while (g_hash_table_iter_next(&at, &name, &data)) {
		const struct bank *b = data;

		for (size_t i = 0; i < b->count; i++) {
			char *path = g_strdup_printf("policy_bank.%s.%s", b->name, setting_name(b->entries[i].id));

			if (definition(b->entries[i].id)->type == SETTING_TYPE_DESTINY)
				warn_of_bounce(c, b->entries[i].id, path, b->entries[i].value, &told);
			g_free(path);
		}
	}
}

static void check_level(struct config *c)
{
	if (!value_defined(c->base[SET_compatibility_level]) && c->options.file && !c->cut_short)
		problem_add(c, c->options.file, 0, true, "compatibility_level: unset, so the newest defaults hold; set it to keep those of a version");
}

/* A configuration may name more scanners than a machine has: those without their program are left out. */
static void note_absence(struct config *c, struct plugin_instance *p)
{
	const struct value *path = c->base[SET_path];
	const char *missing = plugin_instance_missing(p, path && path->kind == VALUE_STRING ? path->u.string : NULL, c);

	p->absent = missing != NULL;
	if (missing)
		problem_add(c, p->file, p->line, true, "%s: %s: not available until it is installed and the configuration reloaded", p->name, missing);
}

static void check_digest(struct config *c)
{
	const struct value *v = c->base[SET_mail_part_digest_algorithm];
	const char *file;
	int line;

	if (!v || v->kind != VALUE_STRING || !v->u.string[0] || digest_by_name(v->u.string))
		return;
	file = setting_file(c, SET_mail_part_digest_algorithm, v, &line);
	problem_add(c, file, line, false, "mail_part_digest_algorithm: \"%s\" is no digest that libcrypto has; expected \"SHA1\", \"SHA256\", \"MD5\" or undef",
		v->u.string);
}

static void check_instances(struct config *c)
{
	for (size_t i = 0; i < c->instance_count; i++) {
		struct plugin_instance *p = c->instances[i];
		struct error e = { 0 };

		if (plugin_instance_check(p, &e) != 0)
			problem_add(c, p->file, p->line, false, "%s: %s", p->name, e.text);
		else
			note_absence(c, p);
	}
}

static void check_listeners(struct config *c)
{
	const char *const *list = config_listen_sockets(c, c);
	struct endpoint to;
	struct error e;
	const char *file;
	int line;

	for (size_t i = 0; list[i]; i++) {
		e = (struct error){ 0 };
		if (endpoint_parse(list[i], &to, &e) == 0)
			continue;
		file = setting_file(c, SET_listen_sockets, c->base[SET_listen_sockets], &line);
		problem_add(c, file, line, false, "listen_sockets: %s", e.text);
	}
}

void consistency_check(struct config *c)
{
	if (!c->cut_short)	/* else a bank may stand in what was not run */
		check_all_names(c);
	check_scanners_exist(c);
	check_bounces(c);
	check_level(c);
	check_instances(c);
	check_digest(c);
	check_listeners(c);
}
