/* banks.c - lays policy banks over the base settings, in amavisd-new's order, and notes why.
 * Of the mail's content it reads header fields, for header_to_policy_bank_maps only. */
#include "worker/banks.h"

#include <string.h>
#include <strings.h>
#include <talloc.h>

#include "base/log.h"

#define ACTION_DEPTH_MAX 8	/* an ACTION may name banks that have one */
#define HEADER_KEY_MAX 65536	/* bytes of a field that tables are asked with */

void banks_lookup_style(const struct policy *p, struct lookup_style *style)
{
	style->recipient_delimiter = policy_string(p, SET_recipient_delimiter);
	style->localpart_is_case_sensitive = policy_bool(p, SET_localpart_is_case_sensitive);
}

/* --- loading --- */

static int load(struct bank_loading *l, const char *names, const char *why, int depth, struct error *e);

static void note_step(struct mail *m, const char *name, const char *why, bool known)
{
	m->bank_steps = talloc_realloc(m, m->bank_steps, struct bank_step, m->bank_step_count + 1);
	m->bank_steps[m->bank_step_count++] = (struct bank_step){ talloc_strdup(m, name), talloc_strdup(m, why), known };
	if (!known)
		log_write(LOG_LEVEL_WARNING, "there is no policy bank \"%s\", which %s names", name, why);
}

/* An ACTION runs when all settings of its bank hold; what it returns are further banks. */
static int act(struct bank_loading *l, const char *name, int depth, struct error *e)
{
	struct value_function *action = config_bank_action(l->policy->config, name);
	const struct value *result;
	if (!action)
		return 0;
	if (depth >= ACTION_DEPTH_MAX)
		return error_set(e, ERROR_CONFIG, "policy_bank.%s: ACTION: banks that name banks, %d times over", name, ACTION_DEPTH_MAX);
	if (config_call_hook(action, l->mail, name, l->mail->deadline, l->mail, &result, e) != 0)
		return error_prefix(e, "policy_bank.%s: ACTION", name);
	const char *more = result && result->kind == VALUE_STRING ? result->u.string : NULL;
	return more ? load(l, more, talloc_asprintf(l->mail, "ACTION of %s", name), depth + 1, e) : 0;
}

static int load(struct bank_loading *l, const char *names, const char *why, int depth, struct error *e)
{
	const char *const *list = policy_bank_names(names, l->mail);
	for (size_t i = 0; list[i]; i++) {
		bool known = config_has_bank(l->policy->config, list[i]);
		if (!known && strcmp(list[i], "MYNETS") == 0)	/* the default of client_ipaddr_policy names it on every site */
			continue;
		note_step(l->mail, list[i], why, known);
		if (!policy_load_bank(l->policy, list[i], l->mail))
			continue;
		l->mail->originating = policy_bool(l->policy, SET_originating);
		l->mail->policy_bank_path = talloc_strdup(l->mail, l->policy->path);
		if (act(l, list[i], depth, e) != 0)
			return -1;
	}
	return 0;
}

int banks_load(struct bank_loading *l, const char *names, const char *why, struct error *e)
{
	return load(l, names, why, 0, e);
}

/* --- by interface --- */

#define INTERFACE_KEYS 3

/* IPv6 addresses may be written in capitals. */
static bool same_interface(const char *a, const char *b)
{
	return *b == '[' ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static const char *names_of_key(const struct policy *p, const char *key, void *owner)
{
	const struct value *hash = policy_value(p, SET_interface_policy), *names = NULL;
	for (size_t i = 0; hash && hash->kind == VALUE_HASH && i < hash->u.list.count && !names; i++)
		if (same_interface(hash->u.list.keys[i]->u.string, key))
			names = hash->u.list.items[i];
	return value_defined(names) ? value_text(names, owner) : NULL;
}

/* The keys of interface_policy in order: SOCK and the path; or the port, the listener as written ("0.0.0.0:10024") and the whole address. */
static void interface_keys(const char *socket_text, const char *listener_text, const char *keys[INTERFACE_KEYS])
{
	const char *colon = socket_text ? strrchr(socket_text, ':') : NULL;
	keys[0] = keys[1] = keys[2] = NULL;
	if (!socket_text || !*socket_text)
		return;
	keys[0] = *socket_text == '/' ? "SOCK" : colon ? colon + 1 : NULL;
	keys[1] = listener_text && !same_interface(listener_text, socket_text) ? listener_text : NULL;
	keys[2] = socket_text;
}

void banks_by_interface(struct policy *p, const char *socket_text, const char *listener_text, void *owner)
{
	const char *keys[INTERFACE_KEYS];
	interface_keys(socket_text, listener_text, keys);
	for (int i = 0; i < INTERFACE_KEYS; i++) {
		const char *names = keys[i] ? names_of_key(p, keys[i], owner) : NULL;
		if (names)
			policy_load_banks(p, names, owner);
	}
}

int banks_load_interface(struct bank_loading *l, struct error *e)
{
	const char *keys[INTERFACE_KEYS];
	interface_keys(l->mail->envelope->socket_text, l->mail->envelope->listener_text, keys);
	for (int i = 0; i < INTERFACE_KEYS; i++) {
		const char *names = keys[i] ? names_of_key(l->policy, keys[i], l->mail) : NULL;
		if (names && banks_load(l, names, talloc_asprintf(l->mail, "interface_policy[\"%s\"]", keys[i]), e) != 0)
			return -1;
	}
	return 0;
}

/* --- by client --- */

static const char *why_client(struct bank_loading *l, size_t index, const struct lookup_match *match)
{
	const char *label = match->table ? lookup_table_label(match->table) : "", *address = l->mail->client_address;
	return talloc_asprintf(l->mail, "client_ipaddr_policy[%zu], client [%s] by %s%s%s", index + 1, address ? address : "unknown",
		match->key ? match->key : "?", *label ? ", " : "", label);
}

int banks_load_client(struct bank_loading *l, struct error *e)
{
	const struct value *pairs = policy_value(l->policy, SET_client_ipaddr_policy);
	struct lookup_key *key = lookup_key_ip(l->mail, l->mail->client_address);
	for (size_t i = 0; pairs->kind == VALUE_LIST && i < pairs->u.list.count; i++) {
		const struct value *pair = pairs->u.list.items[i];
		struct lookup_match match;
		struct error failed = { 0 };
		if (pair->kind != VALUE_LIST || pair->u.list.count != 2)
			continue;
		bool hit = value_true_p(lookup_first(pair->u.list.items[0], key, l->context, l->mail, &match, &failed));
		if (failed.class != ERROR_NONE) {
			error_set(e, failed.class, "%s", failed.text);
			return error_prefix(e, "client_ipaddr_policy[%zu]", i + 1);
		}
		const char *names = hit ? value_text(pair->u.list.items[1], l->mail) : NULL;
		if (hit)
			return names ? banks_load(l, names, why_client(l, i, &match), e) : 0;
	}
	return 0;
}

/* --- our own users --- */

bool banks_want_sender(const struct policy *p, const char *sender)
{
	return *sender && policy_bool(p, SET_originating) && config_has_bank(p->config, "MYUSERS");
}

int banks_load_myusers(struct bank_loading *l, const char *sender, struct error *e)
{
	return banks_load(l, "MYUSERS", talloc_asprintf(l->mail, "originating and local sender <%s>", sender), e);
}

/* --- by header --- */

/* A whole field as it came, line ends one LF, none behind the last line. */
static const char *field_text(const struct mail *m, const struct header_field *f, void *owner)
{
	size_t n = f->length < HEADER_KEY_MAX ? f->length : HEADER_KEY_MAX, out = 0;
	char *text = talloc_array(owner, char, n + 1);
	const char *from = m->header.text + f->offset;
	for (size_t i = 0; i < n; i++)
		if (from[i] != '\r' || i + 1 >= n || from[i + 1] != '\n')
			text[out++] = from[i] ? from[i] : ' ';
	while (out > 0 && (text[out - 1] == '\n' || text[out - 1] == '\r'))
		out--;
	text[out] = '\0';
	return text;
}

static int ask_field(struct bank_loading *l, const struct value *table, const struct header_field *f, struct error *e)
{
	void *owner = talloc_new(l->mail);
	struct error failed = { 0 };
	const char *text = field_text(l->mail, f, owner);
	const struct value *v = lookup_first(table, lookup_key_strings(owner, &text, 1), l->context, owner, NULL, &failed);
	const char *names = value_true_p(v) && v->kind == VALUE_STRING && strcmp(v->u.string, "1") != 0 ? v->u.string : NULL;
	int rc = 0;
	if (failed.class != ERROR_NONE)
		rc = error_set(e, failed.class, "header_to_policy_bank_maps: %s", failed.text);
	else if (names)
		rc = banks_load(l, names, talloc_asprintf(owner, "header_to_policy_bank_maps, field %.*s", (int)f->name_length, text), e);
	talloc_free(owner);
	return rc;
}

int banks_load_header(struct bank_loading *l, struct error *e)
{
	const struct value *maps = policy_value(l->policy, SET_header_to_policy_bank_maps);
	size_t count = maps->kind == VALUE_LIST ? maps->u.list.count : value_defined(maps);
	for (size_t i = 0; i < count; i++) {
		const struct value *table = maps->kind == VALUE_LIST ? maps->u.list.items[i] : maps;
		for (unsigned k = 0; k < l->mail->header.count; k++)
			if (ask_field(l, table, &l->mail->header.fields[k], e) != 0)
				return -1;
	}
	return 0;
}

/* --- by function --- */

int banks_load_hook(struct bank_loading *l, struct error *e)
{
	const struct value *hook = policy_value(l->policy, SET_policy_bank_hook), *result;
	if (hook->kind != VALUE_FUNCTION)
		return 0;
	if (config_call_hook(hook->u.function, l->mail, NULL, l->mail->deadline, l->mail, &result, e) != 0)
		return error_prefix(e, "policy_bank_hook");
	if (!result || !value_true_p(result))
		return 0;
	if (result->kind != VALUE_STRING)
		return error_set(e, ERROR_CONFIG, "%s:%d: policy_bank_hook: its result is no string; expected names of banks, \"A,B\", or nil",
			hook->file ? hook->file : "configuration", hook->line);
	return banks_load(l, result->u.string, "policy_bank_hook", e);
}
