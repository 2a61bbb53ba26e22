/* banned.c - see banned.h.
 *
 * Two readings of the same rules exist among administrators.  By node (since
 * amavisd-new 2.14): every node of the tree, containers too, is asked on its own
 * strings.  By path (before): every leaf is asked once, with the strings of all
 * nodes above it and its own together, so that a rule that allows a container
 * allows what is in it. */
#include "worker/banned.h"

#include <string.h>
#include <talloc.h>

#include "lookup/lookup.h"
#include "worker/banned_strings.h"

#define DEPTH_MAX 256		/* of the tree: more than any MAXLEVELS with MIME in between */
#define COMMENT_BYTES_MAX 200

struct finding_banned {
	const struct mail *mail;
	const struct banned_rules *rules;
	void *owner;		/* of what is told */
	void *scratch;		/* for one part */
	struct banned_result *out;
	struct error *e;
	GPtrArray *tables;		/* const struct value *, in the order asked */
	GHashTable *parents;		/* numbers of parts that have children */
};

enum answer { ANSWER_ERROR = -1, ANSWER_NONE, ANSWER_ALLOWED, ANSWER_BANNED };

/* --- rule sets --- */

static void note_unknown(struct finding_banned *f, const char *name)
{
	struct banned_result *out = f->out;
	out->unknown = talloc_realloc(f->owner, out->unknown, const char *, out->unknown_count + 1);
	out->unknown[out->unknown_count++] = talloc_strdup(f->owner, name);
}

static void add_named(struct finding_banned *f, const char *names)
{
	char **each = g_strsplit_set(names, ", \t", -1);
	for (char **name = each; *name; name++) {
		const struct value *table = f->rules->named && f->rules->named->kind == VALUE_HASH ? value_hash_get(f->rules->named, *name) : NULL;
		if (!**name)
			continue;
		if (!table && strcmp(*name, "DEFAULT") != 0)	/* which is there, and empty, without banned_filename_re */
			note_unknown(f, *name);
		else if (value_defined(table))
			g_ptr_array_add(f->tables, (gpointer)(uintptr_t)table);
	}
	g_strfreev(each);
}

/* One result of banned_filename_maps: names, a table, or a list of these. */
static void add_set(struct finding_banned *f, const struct value *set)
{
	if (set->kind == VALUE_LIST) {
		for (size_t i = 0; i < set->u.list.count; i++)
			add_set(f, set->u.list.items[i]);
	} else if (set->kind == VALUE_STRING) {
		add_named(f, set->u.string);
	} else if (set->kind == VALUE_TABLE || set->kind == VALUE_HASH || set->kind == VALUE_FUNCTION) {
		g_ptr_array_add(f->tables, (gpointer)(uintptr_t)set);
	}
}

/* --- the tree --- */

static const struct part *part_numbered(const struct mail *m, uint32_t number)
{
	return number > 0 && number <= m->part_count ? &m->parts[number - 1] : NULL;
}

/* From the top to the part itself; how many. */
static unsigned path_of(const struct mail *m, const struct part *p, const struct part *path[DEPTH_MAX])
{
	unsigned depth = 0;
	for (const struct part *at = p; at && depth < DEPTH_MAX; at = part_numbered(m, at->parent))
		path[depth++] = at;
	for (unsigned i = 0; i < depth / 2; i++) {
		const struct part *swap = path[i];
		path[i] = path[depth - 1 - i];
		path[depth - 1 - i] = swap;
	}
	return depth;
}

static bool is_leaf(const struct finding_banned *f, const struct part *p)
{
	return !g_hash_table_contains(f->parents, GUINT_TO_POINTER(p->number));
}

/* --- asking --- */

/* "(?# double extension )" in a pattern names the rule for people. */
static char *comment_of(const char *pattern, void *owner)
{
	const char *begin = pattern ? strstr(pattern, "(?#") : NULL, *end = begin ? strchr(begin, ')') : NULL;
	if (!end)
		return NULL;
	begin += 3;
	char *comment = talloc_strndup(owner, begin, MIN((size_t)(end - begin), (size_t)COMMENT_BYTES_MAX));
	char *cut = g_strstrip(comment);
	return *cut ? talloc_strdup(owner, cut) : NULL;
}

static enum answer ask(struct finding_banned *f, const struct value *table, char **strings, size_t count, struct banned_hit *hit)
{
	struct lookup_context context = { .deadline = f->mail->deadline, .mail = f->mail };
	struct error failed = { .class = ERROR_NONE };
	struct lookup_match match;
	struct lookup_key *key = lookup_key_strings(f->scratch, (const char *const *)strings, count);
	const struct value *v = lookup_first(table, key, &context, f->scratch, &match, &failed);
	if (failed.class != ERROR_NONE) {
		if (f->e)
			*f->e = failed;
		error_prefix(f->e, "banned rules");
		return ANSWER_ERROR;
	}
	if (!value_defined(v))
		return ANSWER_NONE;
	if (!value_true_p(v))
		return ANSWER_ALLOWED;
	const char *rhs = value_text(v, f->scratch);
	*hit = (struct banned_hit){
		.rule = talloc_strdup(f->owner, match.key), .rhs = talloc_strdup(f->owner, rhs ? rhs : "1"), .comment = comment_of(match.key, f->owner),
	};
	return ANSWER_BANNED;
}

static enum answer ask_tables(struct finding_banned *f, GPtrArray *strings, struct banned_hit *hit)
{
	enum answer a = ANSWER_NONE;
	for (guint i = 0; i < f->tables->len && a == ANSWER_NONE; i++)
		a = ask(f, g_ptr_array_index(f->tables, i), (char **)strings->pdata, strings->len, hit);
	return a;
}

/* All nodes of a leaf's path as one string, a line a node: one question for what no single string can say. */
static enum answer ask_namepath(struct finding_banned *f, const struct part *p, struct banned_hit *hit)
{
	const struct part *path[DEPTH_MAX];
	if (!value_defined(f->rules->namepath) || !is_leaf(f, p))
		return ANSWER_NONE;
	unsigned depth = path_of(f->mail, p, path);
	char *text = talloc_strdup(f->scratch, "");
	for (unsigned i = 0; i < depth; i++)
		text = talloc_asprintf_append_buffer(text, "%s%s", i ? "\n" : "", banned_strings_attributes(path[i], "\t", f->scratch));
	return ask(f, f->rules->namepath, &text, 1, hit);
}

/* --- telling --- */

static void tell(struct finding_banned *f, const struct part *p, struct banned_hit hit)
{
	struct banned_result *out = f->out;
	const struct part *path[DEPTH_MAX];
	unsigned depth = path_of(f->mail, p, path);
	char *names = talloc_strdup(f->owner, ""), *attributes = talloc_strdup(f->owner, "");
	for (unsigned i = 0; i < depth; i++) {
		names = talloc_asprintf_append_buffer(names, "%s%s", i ? " | " : "", banned_strings_short(path[i], f->scratch));
		attributes = talloc_asprintf_append_buffer(attributes, "%s%s", i ? " | " : "", banned_strings_attributes(path[i], ",", f->scratch));
	}
	hit.part = p->number;
	hit.path = names;
	hit.path_attributes = attributes;
	hit.summary = banned_strings_short(p, f->owner);
	if (hit.comment)
		hit.summary = talloc_asprintf(f->owner, "%s:%s", hit.comment, hit.summary);
	out->discard |= strncmp(hit.rhs, "DISCARD", strlen("DISCARD")) == 0;
	out->hits = talloc_realloc(f->owner, out->hits, struct banned_hit, out->count + 1);
	out->hits[out->count++] = hit;
}

static GPtrArray *strings_of(struct finding_banned *f, const struct part *p)
{
	GPtrArray *strings = g_ptr_array_new();
	const struct part *path[DEPTH_MAX];
	unsigned depth = f->rules->by_path ? path_of(f->mail, p, path) : 0;
	for (unsigned i = 0; i < depth; i++)
		banned_strings_add(strings, path[i], f->scratch);
	if (!f->rules->by_path)
		banned_strings_add(strings, p, f->scratch);
	return strings;
}

static int judge_part(struct finding_banned *f, const struct part *p)
{
	struct banned_hit hit = { 0 };
	if (f->rules->by_path && !is_leaf(f, p))
		return 0;
	if (deadline_left_ms(f->mail->deadline) == 0)
		return error_set(f->e, ERROR_DEADLINE, "banned rules: no time left at part %u of %u", p->number, f->mail->part_count);
	f->scratch = talloc_new(f->owner);
	GPtrArray *strings = strings_of(f, p);
	enum answer a = ask_tables(f, strings, &hit);
	g_ptr_array_free(strings, TRUE);
	if (a == ANSWER_NONE)
		a = ask_namepath(f, p, &hit);
	if (a == ANSWER_BANNED)
		tell(f, p, hit);
	talloc_free(f->scratch);
	return a == ANSWER_ERROR ? -1 : 0;
}

static int judge_parts(struct finding_banned *f)
{
	if (f->tables->len == 0 && !value_defined(f->rules->namepath))
		return 0;
	for (unsigned i = 0; i < f->mail->part_count; i++)
		g_hash_table_add(f->parents, GUINT_TO_POINTER(f->mail->parts[i].parent));
	for (unsigned i = 0; i < f->mail->part_count && f->out->count < BANNED_HITS_MAX; i++)
		if (judge_part(f, &f->mail->parts[i]) != 0)
			return -1;
	return 0;
}

int banned_find(const struct mail *m, const struct banned_rules *rules, const struct value *sets, void *owner, struct banned_result *out,
	struct error *e)
{
	struct finding_banned f = { .mail = m, .rules = rules, .owner = owner, .out = out, .e = e };
	*out = (struct banned_result){ 0 };
	f.tables = g_ptr_array_new();
	f.parents = g_hash_table_new(g_direct_hash, g_direct_equal);
	if (sets)
		add_set(&f, sets);
	int rc = judge_parts(&f);
	out->incomplete = rc != 0;
	g_ptr_array_free(f.tables, TRUE);
	g_hash_table_destroy(f.parents);
	return rc;
}
