/* sql_statement.c - takes statements apart at their placeholders, and puts them together for one question. */
#include "lookup/sql_statement.h"

#include <ctype.h>
#include <glib.h>
#include <string.h>
#include <talloc.h>

#define PLACEHOLDERS "kalued" "L"
#define PLACEHOLDER_TEXT "%k, %a, %l, %u, %e, %d, %L"

const char sql_sel_policy[] =
	"SELECT users.*, policy.*, users.id FROM users LEFT JOIN policy ON users.policy_id = policy.id"
	" WHERE users.email IN (%k) ORDER BY users.priority DESC";
const char sql_sel_wblist[] =
	"SELECT wblist.wb FROM wblist JOIN mailaddr ON wblist.sid = mailaddr.id"
	" WHERE wblist.rid = ? AND mailaddr.email IN (%k) ORDER BY mailaddr.priority DESC";

/* Text, then what stands behind it. */
struct piece {
	const char *text;
	size_t size;
	char placeholder;	/* 0: the end */
};

struct sql_statement {
	char *text;
	struct piece *pieces;
	size_t count;
};

bool sql_clause_takes_argument(const char *clause)
{
	return strcmp(clause, "sel_wblist") == 0;
}

bool sql_clause_is_lookup(const char *clause)
{
	return strcmp(clause, "sel_policy") == 0 || strcmp(clause, "sel_wblist") == 0;
}

/* Where what is quoted, or a comment, ends; p itself where none begins; NULL: no end. */
static const char *skip_quoted(const char *p)
{
	const char *end;

	if (*p == '\'' || *p == '"' || *p == '`') {
		end = strchr(p + 1, *p);
		return end ? end + 1 : NULL;
	}
	if (strncmp(p, "--", 2) == 0)
		return p + strcspn(p, "\n");
	if (strncmp(p, "/*", 2) == 0) {
		end = strstr(p + 2, "*/");
		return end ? end + 2 : NULL;
	}
	return p;
}

static void add_piece(struct sql_statement *s, const char *text, size_t size, char placeholder)
{
	s->pieces = talloc_realloc(s, s->pieces, struct piece, s->count + 1);
	s->pieces[s->count++] = (struct piece){ text, size, placeholder };
}

/* What stands at p: '?', one of PLACEHOLDERS, '%' for a literal one written twice, 0 for plain text, -1 and e. */
static int placeholder_at(const char *p, bool takes_argument, struct error *e)
{
	if (*p == '?' && !takes_argument)
		return error_set(e, ERROR_CONFIG, "\"?\" in a statement that has no argument; expected %s", PLACEHOLDER_TEXT);
	if (*p == '?')
		return '?';
	if (*p != '%')
		return 0;
	if (p[1] == '%')
		return '%';
	if (!isalpha((unsigned char)p[1]))
		return 0;
	if (strchr(PLACEHOLDERS, p[1]))
		return p[1];
	return error_set(e, ERROR_CONFIG, "unknown placeholder \"%%%c\"; expected %s%s", p[1], PLACEHOLDER_TEXT, takes_argument ? ", ?" : "");
}

static int take_apart(struct sql_statement *s, bool takes_argument, struct error *e)
{
	const char *from = s->text, *p = s->text;

	while (*p != '\0') {
		const char *end = skip_quoted(p);
		int what;

		if (end == NULL)
			return error_set(e, ERROR_CONFIG, "%c without an end: %.40s", *p, p);
		if (end > p) {
			p = end;
			continue;
		}
		what = placeholder_at(p, takes_argument, e);
		if (what < 0)
			return -1;
		if (what == 0) {
			p++;
			continue;
		}
		add_piece(s, from, (size_t)(p - from) + (what == '%'), what == '%' ? 0 : (char)what);
		p += what == '?' ? 1 : 2;
		from = p;
	}
	add_piece(s, from, (size_t)(p - from), 0);
	return 0;
}

struct sql_statement *sql_statement_compile(void *owner, const char *text, bool takes_argument, struct error *e)
{
	struct sql_statement *s = talloc_zero(owner, struct sql_statement);

	s->text = talloc_strdup(s, text);
	if (take_apart(s, takes_argument, e) == 0)
		return s;
	talloc_free(s);
	return NULL;
}

struct expansion {
	GString *text;
	GArray *parameters;
	const struct sql_arguments *arguments;
};

static void add_parameter(struct expansion *x, const char *value, bool octets)
{
	struct postern_parameter p = { value, value ? strlen(value) : 0, octets && value };

	g_array_append_val(x->parameters, p);
	g_string_append_c(x->text, '?');
}

static void add_keys(struct expansion *x)
{
	const struct sql_arguments *a = x->arguments;

	if (a->key_count == 0)
		add_parameter(x, NULL, false);
	for (size_t i = 0; i < a->key_count; i++) {
		if (i > 0)
			g_string_append_c(x->text, ',');
		add_parameter(x, a->keys[i], a->octets);
	}
}

static void add_value(struct expansion *x, char placeholder)
{
	static const char order[] = "alued";
	const struct sql_arguments *a = x->arguments;

	if (placeholder == 'k')
		add_keys(x);
	else if (placeholder == '?')
		add_parameter(x, a->argument, false);
	else if (placeholder == 'L')
		add_parameter(x, a->is_local ? "1" : "0", false);
	else
		add_parameter(x, a->parts ? a->parts[strchr(order, placeholder) - order] : a->address, a->octets);
}

const char *sql_statement_expand(const struct sql_statement *s, const struct sql_arguments *a, void *owner,
	struct postern_parameter **parameters, size_t *count)
{
	struct expansion x = { g_string_new(NULL), g_array_new(FALSE, FALSE, sizeof(struct postern_parameter)), a };
	const char *text;

	for (size_t i = 0; i < s->count; i++) {
		g_string_append_len(x.text, s->pieces[i].text, (gssize)s->pieces[i].size);
		if (s->pieces[i].placeholder)
			add_value(&x, s->pieces[i].placeholder);
	}
	*count = x.parameters->len;
	*parameters = talloc_array(owner, struct postern_parameter, *count + 1);
	if (*count > 0)
		memcpy(*parameters, x.parameters->data, *count * sizeof **parameters);
	text = talloc_strdup(owner, x.text->str);
	g_array_free(x.parameters, TRUE);
	g_string_free(x.text, TRUE);
	return text;
}
