/* ldap.c - records and values from a directory.
 *
 * As the source behind enable_ldap it hands over whole entries, as a table in a
 * lookup list one value.  One connection is kept from mail to mail; when it has
 * gone the search is repeated once on a new one, and a server that fails is
 * left for the next.  What did not answer is never "no such entry". */
#include "ldap_filter.h"
#include "ldap_link.h"

#include <ldap_schema.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ENTRY_FIELDS_MAX 4096		/* of all entries of one answer */
#define ANSWER_BYTES_MAX (1024 * 1024)
#define ATTRIBUTES_MAX 256
#define DEAD_TRY_MS 3000		/* for a server that did not answer the last time */

struct state {
	struct ldap_servers servers;
	struct ldap_link link;
	size_t first;			/* the server to begin with: the last that worked */
};

struct field { const char *name, *value; };

struct entry {
	const char *dn;
	size_t key;			/* index of the key it was found by; number of keys: nobody knows */
	struct field *fields;
	size_t count;
};

/* One search while it runs. */
struct search {
	struct postern_call *call;
	const struct ldap_options *o;
	struct ldap_keys keys;
	struct ldap_asked asked[LDAP_ASKED_MAX];
	size_t asked_count;
	const char **attributes;	/* NULL-terminated */
	char *base, *filter;
	int scope;
	bool any_answer;		/* whatever a server says to it is good */
	int64_t until_ms;
	struct entry *entries;
	size_t entry_count, field_count, bytes;
	unsigned references;
};

static const struct ldap_options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static struct state *state_of(struct postern_call *call)
{
	return *postern_state(postern_call_instance(call));
}

static int scope_of(const struct ldap_options *o)
{
	return strcmp(o->scope, "base") == 0 ? LDAP_SCOPE_BASE : strcmp(o->scope, "one") == 0 ? LDAP_SCOPE_ONELEVEL : LDAP_SCOPE_SUBTREE;
}

/* ---- entries ---- */

/* The attribute as the configuration spells it: directories may answer in their own letter case. */
static const char *spelled(struct search *s, const char *name)
{
	size_t size = strcspn(name, ";");
	for (const char **a = s->attributes; *a; a++)
		if (strlen(*a) == size && strncasecmp(*a, name, size) == 0)
			return *a;
	return postern_printf(s->call, "%s", name);
}

static void note_key(struct search *s, struct entry *to, const char *name, const struct berval *value)
{
	for (size_t i = 0; i < s->asked_count; i++) {
		const struct ldap_asked *asked = &s->asked[i];
		if (strlen(name) != asked->attribute_size || strncasecmp(name, asked->attribute, asked->attribute_size) != 0)
			continue;
		size_t key = ldap_key_of_value(asked, &s->keys, value->bv_val, value->bv_len);
		if (key < to->key)
			to->key = key;
	}
}

static enum postern_result too_much(struct search *s)
{
	return postern_fail(s->call, POSTERN_LIMIT, "the entries found have more than %d values or %d bytes: make query_filter or base narrower",
		ENTRY_FIELDS_MAX, ANSWER_BYTES_MAX);
}

static enum postern_result add_value(struct search *s, struct entry *to, const char *name, const struct berval *value)
{
	note_key(s, to, name, value);
	if (memchr(value->bv_val, '\0', value->bv_len)) {
		postern_log(s->call, -1, "%s of %s is passed over: it has a NUL in it", name, to->dn);
		return POSTERN_OK;
	}
	s->bytes += value->bv_len + sizeof(struct field);
	if (++s->field_count > ENTRY_FIELDS_MAX || s->bytes > ANSWER_BYTES_MAX)
		return too_much(s);
	if ((to->count & (to->count - 1)) == 0) {	/* room doubles at 0, 1, 2, 4 ... */
		struct field *more = postern_alloc(s->call, (to->count ? to->count * 2 : 1) * sizeof *more);
		if (to->count > 0)
			memcpy(more, to->fields, to->count * sizeof *more);
		to->fields = more;
	}
	to->fields[to->count++] = (struct field){ name, postern_printf(s->call, "%.*s", (int)value->bv_len, value->bv_val) };
	return POSTERN_OK;
}

static enum postern_result add_attribute(struct search *s, LDAP *ld, LDAPMessage *m, const char *attribute, struct entry *to)
{
	struct berval **values = ldap_get_values_len(ld, m, attribute);
	const char *name = spelled(s, attribute);
	enum postern_result r = POSTERN_OK;
	for (size_t i = 0; values && values[i] && r == POSTERN_OK; i++)
		r = add_value(s, to, name, values[i]);
	ldap_value_free_len(values);
	return r;
}

static enum postern_result add_entry(struct search *s, LDAP *ld, LDAPMessage *m)
{
	struct entry *e = &s->entries[s->entry_count];
	char *dn = ldap_get_dn(ld, m);
	BerElement *at = NULL;
	enum postern_result r = POSTERN_OK;
	if (s->entry_count >= (size_t)s->o->size_limit) {
		ldap_memfree(dn);
		return postern_fail(s->call, POSTERN_LIMIT, "more entries match than size_limit (%lld) allows: check query_filter and base", (long long)s->o->size_limit);
	}
	*e = (struct entry){ .dn = postern_printf(s->call, "%s", dn ? dn : ""), .key = s->keys.count };
	ldap_memfree(dn);
	s->entry_count++;
	for (char *a = ldap_first_attribute(ld, m, &at); a; a = ldap_next_attribute(ld, m, at)) {
		if (r == POSTERN_OK)
			r = add_attribute(s, ld, m, a, e);
		ldap_memfree(a);
	}
	ber_free(at, 0);
	return r;
}

/* Most specific first; entries of one key by name, so that an answer is the same each time. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return x->key != y->key ? (x->key < y->key ? -1 : 1) : strcasecmp(x->dn, y->dn);
}

/* ---- one search on one connection ---- */

static enum postern_result finish(struct search *s, struct ldap_link *l, LDAPMessage *m, int *rc)
{
	const char *url = state_of(s->call)->servers.v[l->server].url;
	int parsed = ldap_parse_result(l->ld, m, rc, NULL, NULL, NULL, NULL, 0);
	if (parsed != LDAP_SUCCESS)
		*rc = parsed;
	if (s->references > 0)
		postern_log(s->call, 2, "%s: %u referrals not followed", url, s->references);
	/* A branch of its own for each domain: that there is none for this one is an answer. */
	if (*rc == LDAP_NO_SUCH_OBJECT && strcmp(s->base, s->o->base ? s->o->base : "") != 0)
		*rc = LDAP_SUCCESS;
	if (s->any_answer && !ldap_link_is_gone(*rc))
		*rc = LDAP_SUCCESS;
	if (*rc == LDAP_SUCCESS)
		return s->entry_count > 0 ? POSTERN_OK : POSTERN_NOTHING;
	return ldap_link_fail(s->call, l, url, postern_printf(s->call, "search below \"%s\"", s->base), *rc);
}

/* *rc: what LDAP says, for the decision to try again. */
static enum postern_result collect(struct search *s, struct ldap_link *l, int msgid, int *rc)
{
	enum postern_result r = POSTERN_OK;
	bool ended = false;
	while (r == POSTERN_OK && !ended) {
		LDAPMessage *m = NULL;
		int type = ldap_link_wait(s->call, l, msgid, s->until_ms, &m, rc);
		if (type < 0)
			return ldap_link_fail(s->call, l, state_of(s->call)->servers.v[l->server].url, postern_printf(s->call, "search below \"%s\"", s->base), *rc);
		if (type == LDAP_RES_SEARCH_ENTRY)
			r = add_entry(s, l->ld, m);
		else if (type == LDAP_RES_SEARCH_REFERENCE)
			s->references++;
		ended = type == LDAP_RES_SEARCH_RESULT;
		if (ended)
			r = finish(s, l, m, rc);
		ldap_msgfree(m);
	}
	if (!ended)
		ldap_abandon_ext(l->ld, msgid, NULL, NULL);
	return r;
}

static enum postern_result search_once(struct search *s, struct ldap_link *l, int *rc)
{
	int64_t left = s->until_ms - ldap_now_ms();
	struct timeval limit = { left > 1000 ? left / 1000 : 1, 0 };
	int msgid;
	s->entry_count = s->field_count = s->bytes = s->references = 0;
	*rc = ldap_search_ext(l->ld, s->base, s->scope, s->filter, (char **)(uintptr_t)s->attributes, 0, NULL, NULL, &limit, (int)s->o->size_limit + 1, &msgid);
	if (*rc == LDAP_SUCCESS)
		return collect(s, l, msgid, rc);
	return ldap_link_fail(s->call, l, state_of(s->call)->servers.v[l->server].url, "search", *rc);
}

/* ---- servers ---- */

/* On the kept connection, or on a new one; again on a new one when the kept one turns out to be gone. No connection is left where it failed. */
static enum postern_result search_on(struct search *s, size_t server)
{
	struct state *t = state_of(s->call);
	struct ldap_link *l = &t->link;
	for (bool kept = l->ld && l->server == server;; kept = false) {
		enum postern_result r;
		int rc = LDAP_SUCCESS;
		if (!kept) {
			ldap_link_close(l);
			r = ldap_link_open(s->call, s->o, &t->servers, server, s->until_ms, l);
			if (r != POSTERN_OK)
				return r;
		}
		r = search_once(s, l, &rc);
		if (!ldap_link_is_gone(rc))
			return r;
		ldap_link_close(l);
		if (!kept || rc == LDAP_TIMEOUT || rc == LDAP_USER_CANCELLED)
			return r;
	}
}

/* *go_on: the next may do better. A server that takes connections and says nothing is as dead as one that takes none. */
static enum postern_result search_server(struct search *s, size_t server, bool *go_on)
{
	struct state *t = state_of(s->call);
	int64_t *dead_until_ms = &t->servers.v[server].dead_until_ms, soon_ms = ldap_now_ms() + DEAD_TRY_MS;
	if (*dead_until_ms > soon_ms - DEAD_TRY_MS && s->until_ms > soon_ms)
		s->until_ms = soon_ms;
	enum postern_result r = search_on(s, server);
	bool unwanted = ldap_link_is_unwanted(s->call);
	if (!unwanted)
		*dead_until_ms = r == POSTERN_TEMPFAIL && !t->link.ld ? ldap_now_ms() + s->o->retry_interval_ms : 0;
	*go_on = !unwanted && (r == POSTERN_TEMPFAIL || !t->link.ld);
	return r;
}

/* The server at place `i` of the order: from the last that worked on, those that did not answer lately at the end. */
static size_t server_at(const struct state *t, size_t i)
{
	int64_t now = ldap_now_ms();
	for (int dead = 0; dead < 2; dead++) {
		for (size_t k = 0; k < t->servers.count; k++) {
			size_t at = (t->first + k) % t->servers.count;
			if ((t->servers.v[at].dead_until_ms > now) == (dead == 1) && i-- == 0)
				return at;
		}
	}
	return t->first;
}

static enum postern_result search_servers(struct search *s)
{
	struct state *t = state_of(s->call);
	size_t count = t->servers.count, *order = postern_alloc(s->call, count * sizeof *order);
	int64_t end_ms = ldap_now_ms() + s->o->timeout_ms;
	enum postern_result r = POSTERN_TEMPFAIL;
	bool go_on = true;
	for (size_t i = 0; i < count; i++)
		order[i] = server_at(t, i);
	for (size_t i = 0; i < count && go_on; i++) {
		int64_t now = ldap_now_ms(), left = end_ms - now, mail = postern_time_left_ms(s->call);
		/* One that is silent leaves time to ask another. */
		s->until_ms = now + (left < mail ? left : mail) / (int64_t)(count - i);
		r = search_server(s, order[i], &go_on);
		if (!go_on && r != POSTERN_TEMPFAIL)
			t->first = order[i];
		else if (go_on && i + 1 < count)
			postern_log(s->call, 1, "%s: does not serve, going on with the next", t->servers.v[order[i]].url);
	}
	return r;
}

/* ---- what is asked ---- */

static bool search_prepare(struct search *s, struct postern_call *call, const char *const *keys, size_t count, const struct postern_strings *wanted)
{
	size_t n = 0;
	*s = (struct search){ .call = call, .o = options_of(call), .keys = { keys, count }, .scope = scope_of(options_of(call)) };
	s->base = ldap_base_expand(s->o->base ? s->o->base : "", &s->keys);
	if (!s->base)
		return false;
	s->filter = ldap_filter_expand(s->o->query_filter, &s->keys);
	s->asked_count = ldap_filter_asked(s->o->query_filter, s->asked);
	s->entries = postern_alloc(call, (size_t)s->o->size_limit * sizeof *s->entries);
	s->attributes = postern_alloc(call, (wanted->count + LDAP_ASKED_MAX + 2) * sizeof *s->attributes);
	for (size_t i = 0; i < s->asked_count; i++)
		s->attributes[n++] = postern_printf(call, "%.*s", (int)s->asked[i].attribute_size, s->asked[i].attribute);
	for (size_t i = 0; i < wanted->count && i < ATTRIBUTES_MAX; i++)
		s->attributes[n++] = wanted->v[i];
	if (n == 0)
		s->attributes[n++] = LDAP_NO_ATTRS;
	return true;
}

static enum postern_result run(struct search *s)
{
	enum postern_result r = search_servers(s);
	qsort(s->entries, s->entry_count, sizeof *s->entries, compare_entries);
	free(s->base);
	free(s->filter);
	return r;
}

static void tell_entry(struct search *s, const struct entry *e)
{
	size_t room = e->count + 2, n = 0;
	const char **names = postern_alloc(s->call, room * sizeof *names), **values = postern_alloc(s->call, room * sizeof *values);
	if (e->key < s->keys.count) {
		names[n] = "";
		values[n++] = s->keys.v[e->key];
	}
	names[n] = "dn";
	values[n++] = e->dn;
	for (size_t i = 0; i < e->count; i++) {
		names[n] = e->fields[i].name;
		values[n++] = e->fields[i].value;
	}
	postern_row(s->call, names, values, n);
}

static enum postern_result rows(struct postern_call *call, const char *const *keys, size_t count)
{
	struct search s;
	if (!search_prepare(&s, call, keys, count, &options_of(call)->attributes))
		return POSTERN_NOTHING;
	enum postern_result r = run(&s);
	for (size_t i = 0; r == POSTERN_OK && i < s.entry_count; i++)
		tell_entry(&s, &s.entries[i]);
	return r;
}

/* TRUE and FALSE are how directories write booleans; lookup lists know 1 and 0. */
static const char *plain_value(const char *value)
{
	return strcmp(value, "TRUE") == 0 ? "1" : strcmp(value, "FALSE") == 0 ? "0" : value;
}

static const char *value_of(const struct entry *e, const char *name)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcasecmp(e->fields[i].name, name) == 0)
			return plain_value(e->fields[i].value);
	return NULL;
}

static enum postern_result lookup(struct postern_call *call, const char *const *keys, size_t count)
{
	struct search s;
	const char *name = options_of(call)->result;
	const struct postern_strings wanted = { name ? 1 : 0, &name };
	if (!search_prepare(&s, call, keys, count, &wanted))
		return POSTERN_NOTHING;
	enum postern_result r = run(&s);
	for (size_t i = 0; r == POSTERN_OK && i < s.entry_count; i++) {
		const char *value = name ? value_of(&s.entries[i], name) : "1";
		if (!value)
			continue;
		postern_lookup_answer(call, s.entries[i].key < count ? keys[s.entries[i].key] : s.entries[i].dn, value);
		return POSTERN_OK;
	}
	return r == POSTERN_OK ? POSTERN_NOTHING : r;
}

/* The entry without a name, which most directories have and not every one shows: one that calls the question wrong, or does not want to
 * answer that, is there, too. */
static enum postern_result ping(struct postern_call *call)
{
	char none[] = "", any[] = "(objectClass=*)";
	const char *attributes[] = { LDAP_NO_ATTRS, NULL };
	struct search s = { .call = call, .o = options_of(call), .attributes = attributes, .base = none, .filter = any, .scope = LDAP_SCOPE_BASE,
		.any_answer = true };
	s.entries = postern_alloc(call, (size_t)s.o->size_limit * sizeof *s.entries);
	enum postern_result r = search_servers(&s);
	return r == POSTERN_NOTHING ? POSTERN_OK : r;
}

/* ---- posternd -tt ---- */

/* One attribute of one entry. NULL: *r says why, or the entry has none (POSTERN_NOTHING). */
static struct berval **read_values(struct search *s, struct ldap_link *l, const char *base, const char *attribute, enum postern_result *r)
{
	char *attributes[] = { (char *)(uintptr_t)attribute, NULL };
	const char *url = state_of(s->call)->servers.v[l->server].url, *doing = postern_printf(s->call, "read \"%s\"", base);
	struct berval **values = NULL;
	LDAPMessage *m = NULL;
	int msgid, type = 0, code = LDAP_SUCCESS, rc = ldap_search_ext(l->ld, base, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0, NULL, NULL, NULL, 1, &msgid);
	*r = POSTERN_NOTHING;
	while (rc == LDAP_SUCCESS && type != LDAP_RES_SEARCH_RESULT) {
		type = ldap_link_wait(s->call, l, msgid, s->until_ms, &m, &rc);
		if (type < 0)
			break;
		if (type == LDAP_RES_SEARCH_ENTRY && !values)
			values = ldap_get_values_len(l->ld, m, attribute);
		if (type == LDAP_RES_SEARCH_RESULT && ldap_parse_result(l->ld, m, &code, NULL, NULL, NULL, NULL, 0) == LDAP_SUCCESS)
			rc = code;
		ldap_msgfree(m);
	}
	if (rc != LDAP_SUCCESS)
		*r = ldap_link_fail(s->call, l, url, doing, rc);
	return values;
}

static bool class_is(const struct berval *text, const char *name)
{
	int code;
	const char *fault;
	LDAPObjectClass *c = ldap_str2objectclass(text->bv_val, &code, &fault, LDAP_SCHEMA_ALLOW_ALL);
	bool same = c && c->oc_oid && strcmp(c->oc_oid, name) == 0;
	for (char **n = c ? c->oc_names : NULL; n && *n && !same; n++)
		same = strcasecmp(*n, name) == 0;
	if (c)
		ldap_objectclass_free(c);
	return same;
}

static enum postern_result probe_class(struct search *s, struct ldap_link *l, const char *name)
{
	enum postern_result r;
	struct berval **place = read_values(s, l, "", "subschemaSubentry", &r), **classes = NULL;
	bool known = false;
	if (r == POSTERN_NOTHING && place && place[0])
		classes = read_values(s, l, place[0]->bv_val, "objectClasses", &r);
	for (size_t i = 0; classes && classes[i] && !known; i++)
		known = class_is(classes[i], name);
	if (classes && !known)
		r = postern_fail(s->call, POSTERN_BROKEN, "%s: the directory does not know the object class %s: load the schema postern.schema (or .ldif) into it",
			state_of(s->call)->servers.v[l->server].url, name);
	else if (!classes && r == POSTERN_NOTHING)
		postern_log(s->call, 0, "%s: shows no schema; whether it knows the object class %s cannot be told", state_of(s->call)->servers.v[l->server].url, name);
	ldap_value_free_len(place);
	ldap_value_free_len(classes);
	return r == POSTERN_NOTHING ? POSTERN_OK : r;
}

static enum postern_result probe_server(struct search *s, size_t server, char *class)
{
	struct state *t = state_of(s->call);
	const char *base = ldap_base_fixed(s->o->base ? s->o->base : "");
	enum postern_result r;
	ldap_link_close(&t->link);
	r = ldap_link_open(s->call, s->o, &t->servers, server, s->until_ms, &t->link);
	if (r != POSTERN_OK)
		return r;
	ldap_value_free_len(read_values(s, &t->link, base, "objectClass", &r));
	if (r == POSTERN_NOTHING)
		r = class ? probe_class(s, &t->link, class) : POSTERN_OK;
	ldap_link_close(&t->link);
	return r;
}

/* Every server: the one in reserve too must serve on the day that it is needed. */
static enum postern_result probe(struct postern_call *call)
{
	struct state *t = state_of(call);
	struct search s = { .call = call, .o = options_of(call) };
	char *class = ldap_filter_class(s.o->query_filter), *said = postern_printf(call, "%s", "");
	enum postern_result r = POSTERN_OK;
	for (size_t i = 0; i < t->servers.count && r == POSTERN_OK; i++) {
		s.until_ms = ldap_now_ms() + s.o->timeout_ms;
		r = probe_server(&s, i, class);
		if (r == POSTERN_OK)
			said = postern_printf(call, "%s%s%s: %s, base \"%s\" is there", said, i > 0 ? "\n" : "", t->servers.v[i].url,
				s.o->sasl ? "bound by SASL" : s.o->bind_dn ? "bound" : "asked anonymously", s.o->base ? s.o->base : "");
	}
	free(class);
	postern_set_output(call, said, strlen(said));
	return r;
}

/* ---- life ---- */

static const char *old_protocol(const struct ldap_options *o)
{
	return strcmp(o->sslversion, "tlsv1_2") != 0 && strcmp(o->sslversion, "tlsv1_3") != 0 ? o->sslversion : NULL;
}

static enum postern_result check(struct postern_instance *i, struct postern_error *e)
{
	const struct ldap_options *o = postern_options(i);
	struct ldap_servers servers;
	char *fault = ldap_servers_parse(o, &servers);
	enum postern_result r = POSTERN_OK;
	if (fault)
		r = postern_complain(e, POSTERN_BROKEN, "%s", fault);
	else if (ldap_filter_fault(o->query_filter))
		r = postern_complain(e, POSTERN_BROKEN, "query_filter: \"%s\": %s", o->query_filter, ldap_filter_fault(o->query_filter));
	else if (o->base && ldap_base_fault(o->base))
		r = postern_complain(e, POSTERN_BROKEN, "base: \"%s\": %s", o->base, ldap_base_fault(o->base));
	else if (old_protocol(o))
		r = postern_complain(e, POSTERN_BROKEN, "sslversion: \"%s\" is not spoken; expected \"tlsv1_2\" or \"tlsv1_3\", the oldest version to accept", old_protocol(o));
	else if (o->bind_dn && !o->sasl && !(o->bind_password && o->bind_password[0]))
		r = postern_complain(e, POSTERN_BROKEN, "bind_dn: without bind_password directories take it for an anonymous bind; set both, or neither");
	else if (o->clientkey && !o->clientcert)
		r = postern_complain(e, POSTERN_BROKEN, "clientkey: there is no clientcert to go with it");
	free(fault);
	ldap_servers_free(&servers);
	return r;
}

/* Nothing but our own options decides, so the library's files (ldap.conf, .ldaprc in any folder) and variables are not read. */
static enum postern_result start(struct postern_instance *i, struct postern_error *e)
{
	const struct ldap_options *o = postern_options(i);
	struct state *t = calloc(1, sizeof *t);
	char *fault;
	setenv("LDAPNOINIT", "1", 1);
	if (!t)
		return postern_complain(e, POSTERN_TEMPFAIL, "out of memory");
	fault = ldap_servers_parse(o, &t->servers);
	t->link.fd = -1;
	*postern_state(i) = t;
	if (!fault)
		return POSTERN_OK;
	postern_complain(e, POSTERN_BROKEN, "%s", fault);
	free(fault);
	return POSTERN_BROKEN;
}

static void stop(struct postern_instance *i)
{
	struct state *t = *postern_state(i);
	if (!t)
		return;
	ldap_link_close(&t->link);
	ldap_servers_free(&t->servers);
	free(t);
	*postern_state(i) = NULL;
}

#define AT(field) offsetof(struct ldap_options, field)
static const struct postern_option options[] = {
	{ .name = "hostname", .type = POSTERN_STRINGS, .offset = AT(hostname), .value = "localhost",
	  .doc = "Servers in the order in which they are tried: host, host:port, ldap://host, ldaps://host, ldapi://%2frun%2fslapd%2fldapi." },
	{ .name = "port", .type = POSTERN_INT, .offset = AT(port), .min = 0, .max = 65535, .value = "0",
	  .doc = "Port of servers that name none; 0: 389, or 636 for ldaps." },
	{ .name = "scheme", .type = POSTERN_ENUM, .offset = AT(scheme), .value = "ldap", .choices = "ldap|ldaps|ldapi",
	  .doc = "How servers are spoken to that name no scheme." },
	{ .name = "localaddr", .type = POSTERN_STRING, .offset = AT(localaddr), .doc = "Own address to connect from." },
	{ .name = "inet6", .type = POSTERN_BOOL, .offset = AT(inet6), .value = "1", .doc = "Whether IPv6 is used." },
	{ .name = "version", .type = POSTERN_INT, .offset = AT(version), .min = 3, .max = 3, .value = "3", .doc = "Version of LDAP; there is only one left." },
	{ .name = "timeout", .type = POSTERN_DURATION, .offset = AT(timeout_ms), .min = 100, .max = 3600000, .value = "30s",
	  .doc = "Longest time one lookup may take, all servers together; it can only shorten the mail's own deadline." },
	{ .name = "base", .type = POSTERN_STRING, .offset = AT(base), .doc = "Where in the directory to search; %d is the domain of the address." },
	{ .name = "scope", .type = POSTERN_ENUM, .offset = AT(scope), .value = "sub", .choices = "base|one|sub", .doc = "How deep." },
	{ .name = "deref", .type = POSTERN_ENUM, .offset = AT(deref), .value = "find", .choices = "never|search|find|always", .doc = "When aliases are followed." },
	{ .name = "query_filter", .type = POSTERN_STRING, .offset = AT(query_filter), .value = "(&(objectClass=amavisAccount)(mail=%m))",
	  .doc = "What to search for; the parenthesis with %m becomes an OR over all search keys. %a: the address, %l: its local part, %d: its domain." },
	{ .name = "bind_dn", .type = POSTERN_STRING, .offset = AT(bind_dn), .doc = "Whom to log in as; none: anonymous." },
	{ .name = "bind_password", .type = POSTERN_STRING, .offset = AT(bind_password), .flags = POSTERN_SECRET, .doc = "The password for that." },
	{ .name = "tls", .type = POSTERN_BOOL, .offset = AT(tls), .value = "0", .doc = "Encrypt by StartTLS; a server that cannot is not asked." },
	{ .name = "verify", .type = POSTERN_ENUM, .offset = AT(verify), .value = "require", .choices = "none|optional|require",
	  .doc = "Whether the server's certificate must be good and made out to the host's name; optional: if it shows one." },
	{ .name = "sslversion", .type = POSTERN_STRING, .offset = AT(sslversion), .value = "tlsv1_2", .doc = "Oldest version of TLS to accept: tlsv1_2 or tlsv1_3." },
	{ .name = "clientcert", .type = POSTERN_FILE, .offset = AT(clientcert), .doc = "Own certificate (PEM), for servers that ask for one." },
	{ .name = "clientkey", .type = POSTERN_FILE, .offset = AT(clientkey), .doc = "Its key (PEM)." },
	{ .name = "cafile", .type = POSTERN_FILE, .offset = AT(cafile), .doc = "Certificates of authorities (PEM); without it and capath those of the system." },
	{ .name = "capath", .type = POSTERN_FILE, .offset = AT(capath), .doc = "A folder of them." },
	{ .name = "sasl", .type = POSTERN_BOOL, .offset = AT(sasl), .value = "0", .doc = "Log in by SASL." },
	{ .name = "sasl_mech", .type = POSTERN_STRING, .offset = AT(sasl_mech), .value = "EXTERNAL",
	  .doc = "By which mechanism: EXTERNAL (ldapi: this user; TLS: clientcert), or one that libsasl2 has." },
	{ .name = "sasl_auth_id", .type = POSTERN_STRING, .offset = AT(sasl_auth_id), .doc = "The user that bind_password belongs to; with EXTERNAL whom to act as." },
	{ .name = "size_limit", .type = POSTERN_INT, .offset = AT(size_limit), .min = 1, .max = 10000, .value = "100",
	  .doc = "Most entries that one address may have; more is an error." },
	{ .name = "retry_interval", .type = POSTERN_DURATION, .offset = AT(retry_interval_ms), .min = 0, .max = 3600000, .value = "30s",
	  .doc = "How long a server that did not answer is asked after the others, and for a few seconds only." },
	{ .name = "attributes", .type = POSTERN_STRINGS, .offset = AT(attributes),
	  .value = "amavisLocal,amavisVirusLover,amavisSpamLover,amavisUncheckedLover,amavisBannedFilesLover,amavisBadHeaderLover,"
		"amavisBypassVirusChecks,amavisBypassSpamChecks,amavisBypassBannedChecks,amavisBypassHeaderChecks,"
		"amavisSpamTagLevel,amavisSpamTag2Level,amavisSpamTag3Level,amavisSpamKillLevel,amavisSpamDsnCutoffLevel,amavisSpamQuarantineCutoffLevel,"
		"amavisSpamModifiesSubj,amavisSpamSubjectTag,amavisSpamSubjectTag2,amavisSpamSubjectTag3,amavisWhitelistSender,amavisBlacklistSender,"
		"amavisVirusQuarantineTo,amavisSpamQuarantineTo,amavisBannedQuarantineTo,amavisUncheckedQuarantineTo,amavisBadHeaderQuarantineTo,"
		"amavisCleanQuarantineTo,amavisArchiveQuarantineTo,amavisMessageSizeLimit,amavisWarnVirusRecip,amavisWarnBannedRecip,amavisWarnBadHeaderRecip,"
		"amavisVirusAdmin,amavisNewVirusAdmin,amavisSpamAdmin,amavisBannedAdmin,amavisBadHeaderAdmin,amavisBannedRuleNames,"
		"amavisAddrExtensionVirus,amavisAddrExtensionSpam,amavisAddrExtensionBanned,amavisAddrExtensionBadHeader,"
		"amavisForwardMethod,amavisSaUserConf,amavisSaUserName,amavisDisclaimerOptions",
	  .doc = "What is read of an entry that holds settings." },
	{ .name = "result", .type = POSTERN_STRING, .offset = AT(result),
	  .doc = "In a lookup list: the attribute whose first value is the result (TRUE and FALSE are 1 and 0); without it the result is 1 where an entry matches." },
	{ .name = NULL }
};

static const struct postern_lookup_ops lookup_ops = { .size = sizeof lookup_ops, .lookup = lookup, .rows = rows, .probe = probe, .ping = ping };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "ldap", .version = "1", .doc = "Recipients' settings and lookup lists in an LDAP directory.",
	.roles = POSTERN_LOOKUP, .capabilities = POSTERN_CAP_NETWORK,
	.options = options, .options_size = sizeof(struct ldap_options),
	.check = check, .start = start, .stop = stop, .lookup = &lookup_ops,
};
