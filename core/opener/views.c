/* views.c - see views.h.
 *
 * Nearly always both readers see the same windows on the same memory, and no
 * byte is looked at.  Only what differs is decoded and compared by digest. */
#include "config.h"

#include "opener/views.h"

#include <string.h>
#include <talloc.h>

#include "opener/names.h"

struct seen {
	struct encoded content;
	uint32_t part;
	bool known;			/* to the lenient reader as well */
	char *digest;			/* NULL: not made yet */
};

struct view {
	struct view *above;
	struct slice mail;
	struct lenient lenient;
	GHashTable *by_start;		/* start of a body -> index + 1 of its first leaf */
	GArray *seen;			/* struct seen */
};

static struct lenient_leaf *leaf_of(const struct view *v, guint i)
{
	return &g_array_index(v->lenient.leaves, struct lenient_leaf, i);
}

/* Line ends before a delimiter are the delimiter's, to more or less of them. */
static size_t trimmed(struct slice s)
{
	while (s.n > 0 && (s.data[s.n - 1] == '\r' || s.data[s.n - 1] == '\n'))
		s.n--;
	return s.n;
}

static bool is_same(struct slice a, struct slice b)
{
	return a.data == b.data && trimmed(a) == trimmed(b);
}

static bool is_within(const struct view *v, struct slice s)
{
	uintptr_t from = (uintptr_t)v->mail.data, at = (uintptr_t)s.data;
	return at >= from && at <= from + v->mail.n;
}

void view_begin(struct walk *w, struct slice mail)
{
	struct view *v = talloc_zero(w->owner, struct view);
	v->above = w->view;
	v->mail = mail;
	v->seen = g_array_new(FALSE, FALSE, sizeof(struct seen));
	v->by_start = g_hash_table_new(NULL, NULL);
	lenient_read(&v->lenient, mail);
	for (guint i = v->lenient.leaves->len; i > 0; i--)
		g_hash_table_insert(v->by_start, (gpointer)(uintptr_t)leaf_of(v, i - 1)->body.data, GUINT_TO_POINTER(i));
	w->view = v;
}

const char *view_limit(const struct walk *w)
{
	return w->view->lenient.limit;
}

/* Each leaf of this very stretch in turn. */
static struct lenient_leaf *find_leaf(const struct view *v, struct slice raw, guint *from)
{
	if (*from == 0)
		*from = GPOINTER_TO_UINT(g_hash_table_lookup(v->by_start, raw.data));
	for (guint i = *from; i > 0 && i <= v->lenient.leaves->len; i++)
		if (is_same(leaf_of(v, i - 1)->body, raw)) {
			*from = i + 1;
			return leaf_of(v, i - 1);
		}
	return NULL;
}

/* --- names and types --- */

static bool has_text(char *const *texts, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

/* true: one was added. */
static bool add_types(const struct lenient_fields *f, GPtrArray *types)
{
	guint before = types->len;
	for (guint i = 0; f->types && i < f->types->len && types->len < WIRE_PART_TYPES_MAX; i++) {
		char *type = lenient_type(g_ptr_array_index(f->types, i));
		if (type && !has_text((char *const *)types->pdata, types->len, type))
			g_ptr_array_add(types, type);
		else
			g_free(type);
	}
	return types->len > before;
}

/* A field that is there twice gives readers two sets of names. */
static bool names_differ(const GPtrArray *values)
{
	GPtrArray *first = g_ptr_array_new_with_free_func(g_free);
	bool differ = false;
	for (guint i = 0; values && values->len > 1 && i < values->len && !differ; i++) {
		GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
		names_of_field(g_ptr_array_index(values, i), i == 0 ? first : names);
		differ = i > 0 && names->len != first->len;
		for (guint k = 0; i > 0 && k < names->len; k++)
			differ |= !has_text((char *const *)first->pdata, first->len, g_ptr_array_index(names, k));
		g_ptr_array_unref(names);
	}
	g_ptr_array_unref(first);
	return differ;
}

static bool add_names(GPtrArray *const values, GPtrArray *names)
{
	bool sure = true;
	for (guint i = 0; values && i < values->len; i++)
		sure &= names_of_field(g_ptr_array_index(values, i), names);
	return sure;
}

/* Names of dispositions first: they count for most readers. false: readers differ on them. */
static bool add_all_names(const struct lenient_fields *f, GPtrArray *names)
{
	bool sure = add_names(f->dispositions, names);
	sure &= add_names(f->types, names);
	return sure && !names_differ(f->dispositions) && !names_differ(f->types);
}

static void describe(struct node *n, const struct lenient_fields *f)
{
	bool had_type = n->mime_types->len > 0;
	bool more = add_types(f, n->mime_types) && had_type;
	if (!add_all_names(f, n->names) || more)
		node_add_attributes(n, PART_AMBIGUOUS);
}

bool view_describe(struct walk *w, struct node *n, struct slice raw)
{
	guint from = 0;
	bool found = false;
	for (const struct lenient_leaf *leaf; (leaf = find_leaf(w->view, raw, &from));) {
		describe(n, &leaf->fields);
		found = true;
	}
	return found;
}

/* --- what was seen --- */

void view_saw(struct walk *w, struct slice raw, enum transfer_encoding encoding, uint32_t part)
{
	for (struct view *v = w->view; v; v = v->above) {
		struct seen s = { .content = { .raw = raw, .encoding = encoding }, .part = part };
		guint from = 0;
		if (v != w->view && !is_within(v, raw))
			continue;
		for (struct lenient_leaf *leaf; (leaf = find_leaf(v, raw, &from));) {
			s.known |= (leaf->encodings & 1u << encoding) != 0;
			leaf->encodings &= ~(1u << encoding);
		}
		s.known |= v != w->view || !is_within(v, raw);
		g_array_append_val(v->seen, s);
	}
}

/* Is `text` what GMime would make of `raw`? */
static bool is_copy_of(const char *text, struct slice raw)
{
	size_t n = trimmed(raw);
	for (size_t i = 0; i < n; i++) {
		if (raw.data[i] == '\r')
			continue;
		if (raw.data[i] == '\0')
			return *text == '\0';
		while (*text == '\r')
			text++;
		if ((uint8_t)*text++ != raw.data[i])
			return false;
	}
	return text[strspn(text, "\r\n")] == '\0';
}

struct slice view_find_around(const struct walk *w, const char *text)
{
	const struct view *v = w->view;
	for (guint i = 0; i < v->lenient.leaves->len; i++)
		if (leaf_of(v, i)->kind == LENIENT_AROUND && leaf_of(v, i)->encodings && is_copy_of(text, leaf_of(v, i)->body))
			return leaf_of(v, i)->body;
	return (struct slice){ .data = (const uint8_t *)text, .n = strlen(text) };
}

bool view_is_usual_preamble(struct slice text)
{
	static const char *const usual[] = {
		"This is a multi-part message in MIME format.", "This is a MIME-encapsulated message.", "This is a multipart message in MIME format.",
		"This is a MIME-encapsulated message", "This is a cryptographically signed message in MIME format.",
		"This is an OpenPGP/MIME signed message (RFC 4880 and 3156)", "This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)",
	};
	while (text.n > 0 && g_ascii_isspace(text.data[0])) {
		text.data++;
		text.n--;
	}
	while (text.n > 0 && g_ascii_isspace(text.data[text.n - 1]))
		text.n--;
	bool known = text.n == 0;
	for (size_t i = 0; i < G_N_ELEMENTS(usual) && !known; i++)
		known = strlen(usual[i]) == text.n && memcmp(usual[i], text.data, text.n) == 0;
	return known;
}

/* --- what was not --- */

static struct seen *find_content(const struct view *v, const char *digest)
{
	for (guint i = 0; i < v->seen->len; i++) {
		struct seen *s = &g_array_index(v->seen, struct seen, i);
		bool blank;
		if (!s->digest)
			s->digest = readings_digest(&s->content, &blank);
		if (strcmp(s->digest, digest) == 0)
			return s;
	}
	return NULL;
}

/* The part is in the tree already: what it is called besides. true: something was added. */
static bool add_to_part(struct walk *w, struct part *p, const struct node *more)
{
	bool added = false;
	for (guint i = 0; i < more->names->len && p->name_count < WIRE_PART_NAMES_MAX; i++) {
		const char *name = g_ptr_array_index(more->names, i);
		if (has_text((char *const *)(uintptr_t)p->names, p->name_count, name) || !budget_take_name(&w->budget, strlen(name)))
			continue;
		p->names = talloc_realloc(w->owner, p->names, const char *, p->name_count + 1);
		p->names[p->name_count++] = talloc_strdup(w->owner, name);
		added = true;
	}
	for (guint i = 0; i < more->mime_types->len && p->mime_type_count < WIRE_PART_TYPES_MAX; i++) {
		const char *type = g_ptr_array_index(more->mime_types, i);
		if (has_text((char *const *)(uintptr_t)p->mime_types, p->mime_type_count, type))
			continue;
		p->mime_types = talloc_realloc(w->owner, p->mime_types, const char *, p->mime_type_count + 1);
		p->mime_types[p->mime_type_count++] = talloc_strdup(w->owner, type);
		added = true;
	}
	return added;
}

static void merge(struct walk *w, const struct seen *s, const struct lenient_leaf *leaf)
{
	struct node more = { .names = g_ptr_array_new_with_free_func(g_free), .mime_types = g_ptr_array_new_with_free_func(g_free) };
	struct part *p = tree_part(w->tree, s->part);
	describe(&more, &leaf->fields);
	if (add_to_part(w, p, &more) && leaf->kind != LENIENT_QUOTED && !w->budget.hold)
		p->attributes |= PART_AMBIGUOUS;
	node_clear(&more);
}

static void open_leaf(struct walk *w, const struct lenient_leaf *leaf, enum transfer_encoding encoding, struct place *at)
{
	struct node n;
	if (!node_begin(w, &n, *at))
		return;
	at->index++;
	describe(&n, &leaf->fields);
	if (n.mime_types->len == 0 && leaf->kind != LENIENT_AROUND)
		g_ptr_array_add(n.mime_types, g_strdup("text/plain"));
	bool quoted = leaf->kind == LENIENT_QUOTED;
	/* Where a limit cut one view short they cannot be compared: the mail is unchecked for that. */
	if (quoted || w->budget.hold)
		n.record.attributes &= (uint16_t)~PART_AMBIGUOUS;
	else
		node_add_attributes(&n, PART_AMBIGUOUS);
	leaf_take(w, &n, (struct encoded){ .raw = leaf->body, .encoding = encoding, .quoted = quoted }, *at);
	view_saw(w, leaf->body, encoding, n.record.number);
	node_clear(&n);
}

static void open_if_new(struct walk *w, guint i, enum transfer_encoding encoding, struct place *at)
{
	struct lenient_leaf leaf = *leaf_of(w->view, i);
	struct encoded content = { .raw = leaf.body, .encoding = encoding };
	bool blank;
	if (leaf.kind == LENIENT_AROUND && view_is_usual_preamble(leaf.body))
		return;
	char *digest = readings_digest(&content, &blank);
	const struct seen *s = blank ? NULL : find_content(w->view, digest);
	if (s)
		merge(w, s, leaf_of(w->view, i));
	else if (!blank)
		open_leaf(w, &leaf, encoding, at);
	g_free(digest);
}

static void open_unseen(struct walk *w, struct place *at)
{
	struct view *v = w->view;
	for (guint i = 0; i < v->lenient.leaves->len; i++)
		for (enum transfer_encoding e = TRANSFER_IDENTITY; e <= TRANSFER_UUENCODE && !walk_stopped(w); e++)
			if (leaf_of(v, i)->encodings & 1u << e)
				open_if_new(w, i, e, at);
}

/* Did the lenient reader miss what the other one saw? Then it is no less odd. */
static bool missed_some(struct walk *w, guint seen_count)
{
	struct view *v = w->view;
	for (guint i = 0; i < seen_count; i++) {
		const struct seen *s = &g_array_index(v->seen, struct seen, i);
		bool blank;
		if (s->known)
			continue;
		g_free(readings_digest(&s->content, &blank));
		if (!blank)
			return true;
	}
	return false;
}

static void view_free(struct view *v)
{
	for (guint i = 0; i < v->seen->len; i++)
		g_free(g_array_index(v->seen, struct seen, i).digest);
	g_array_unref(v->seen);
	g_hash_table_unref(v->by_start);
	lenient_clear(&v->lenient);
	talloc_free(v);
}

void view_end(struct walk *w, struct place *at)
{
	struct view *v = w->view;
	guint seen_count = v->seen->len;
	open_unseen(w, at);
	if (v->lenient.too_deep)
		budget_take_nesting(&w->budget, BUDGET_NESTING_MAX);
	if (v->lenient.unsure || (!w->budget.hold && missed_some(w, seen_count)))
		w->out->ambiguous = true;
	if (v->lenient.limit)
		walk_limit(w, "%s", v->lenient.limit);
	w->view = v->above;
	view_free(v);
}
