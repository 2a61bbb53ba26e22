/* golden_lookup.c - asks what lookups.txt asks and compares the answers; TAP.
 *
 * golden_lookup -p FILE: asks what FILE asks, "ask | what | tables", and prints "result<TAB>what matched", "nothing" or "failed<TAB>why". */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "lookup/lookup.h"

enum kind { HASH, ACL, RE, CIDR, CONSTANT };

struct state {
	void *owner;
	GHashTable *tables;		/* name to const struct value * of kind VALUE_TABLE */
	char *name;			/* of the table whose lines are being read, or NULL */
	enum kind kind;
	GPtrArray *left, *right;	/* its lines */
	struct lookup_style style;
	unsigned line, count, failures;
	bool print_only;
};

static void die(const struct state *s, const char *why)
{
	printf("Bail out! line %u: %s\n", s->line, why);
	exit(1);
}

static const struct value *parse_value(struct state *s, const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);
	size_t length = strlen(text);

	if (strcmp(text, "undef") == 0)
		return &value_undef;
	if (strcmp(text, "true") == 0)
		return &value_true;
	if (strcmp(text, "false") == 0)
		return &value_false;
	if (end != text && *end == '\0')
		return value_int(s->owner, n);
	if (length >= 2 && text[0] == '"' && text[length - 1] == '"')
		return value_string(s->owner, talloc_strndup(s->owner, text + 1, length - 2));
	return value_string(s->owner, text);
}

static struct value *new_value(struct state *s, enum value_kind kind)
{
	struct value *v = talloc_zero(s->owner, struct value);

	v->kind = kind;
	return v;
}

static struct lookup_table *make_re(struct state *s)
{
	size_t count = s->left->len;
	struct pattern **regexes = talloc_array(s->owner, struct pattern *, count);
	const struct value **results = talloc_array(s->owner, const struct value *, count);
	struct error e;

	for (size_t i = 0; i < count; i++) {
		char *text = s->left->pdata[i], *end = strrchr(text, '/');

		*end = '\0';
		regexes[i] = pattern_compile(s->owner, text + 1, end + 1, &e);
		if (regexes[i] == NULL)
			die(s, e.text);
		results[i] = s->right->pdata[i] != NULL ? parse_value(s, s->right->pdata[i]) : &value_true;
	}
	return lookup_table_re(s->owner, regexes, results, count);
}

static struct lookup_table *make_cidr(struct state *s)
{
	const struct value **results = talloc_array(s->owner, const struct value *, s->left->len);
	struct error e;
	struct lookup_table *t;

	for (size_t i = 0; i < s->left->len; i++)
		results[i] = s->right->pdata[i] != NULL ? parse_value(s, s->right->pdata[i]) : &value_true;
	t = lookup_table_cidr(s->owner, (const char *const *)s->left->pdata, results, s->left->len, &e);
	if (t == NULL)
		die(s, e.text);
	return t;
}

static const struct value *make_source(struct state *s, enum value_kind kind)
{
	struct value *v = new_value(s, kind);

	v->u.list.count = s->left->len;
	v->u.list.items = talloc_array(v, const struct value *, s->left->len);
	v->u.list.keys = talloc_array(v, const struct value *, s->left->len);
	for (size_t i = 0; i < s->left->len; i++) {
		v->u.list.keys[i] = value_string(v, s->left->pdata[i]);
		v->u.list.items[i] = kind == VALUE_HASH ? parse_value(s, s->right->pdata[i]) : v->u.list.keys[i];
	}
	return v;
}

static struct lookup_table *make_table(struct state *s)
{
	switch (s->kind) {
	case HASH:
		return lookup_table_hash(s->owner, make_source(s, VALUE_HASH));
	case ACL:
		return lookup_table_acl(s->owner, make_source(s, VALUE_LIST), NULL);
	case RE:
		return make_re(s);
	case CIDR:
		return make_cidr(s);
	case CONSTANT:
		return lookup_table_constant(s->owner, parse_value(s, s->left->pdata[0]));
	}
	return NULL;
}

static void finish_table(struct state *s)
{
	struct value *v;

	if (s->name == NULL)
		return;
	v = new_value(s, VALUE_TABLE);
	v->u.table = make_table(s);
	g_hash_table_insert(s->tables, talloc_strdup(s->owner, s->name), v);
	g_ptr_array_set_size(s->left, 0);
	g_ptr_array_set_size(s->right, 0);
	s->name = NULL;
}

static void begin_table(struct state *s, char **words)
{
	static const char *const kinds[] = { "hash", "acl", "re", "cidr", "constant", NULL };

	s->name = talloc_strdup(s->owner, words[1]);
	s->kind = HASH;
	while (kinds[s->kind] != NULL && strcmp(kinds[s->kind], words[2]) != 0)
		s->kind++;
	if (kinds[s->kind] == NULL)
		die(s, "unknown kind of table");
}

static void add_line(struct state *s, char *text)
{
	char *equals = s->kind == ACL || s->kind == CONSTANT ? NULL : g_strrstr(text, " = ");

	if (s->name == NULL)
		die(s, "a line of no table");
	if (equals != NULL)
		*equals = '\0';
	g_ptr_array_add(s->left, talloc_strdup(s->owner, text));
	g_ptr_array_add(s->right, equals != NULL ? talloc_strdup(s->owner, equals + 3) : NULL);
}

static struct lookup_key *make_key(struct state *s, const char *text)
{
	struct lookup_key *k;
	char **strings;

	if (strncmp(text, "ip:", 3) == 0)
		return lookup_key_ip(s->owner, text + 3);
	if (strncmp(text, "strings:", 8) != 0)
		return lookup_key_address(s->owner, text, &s->style);
	strings = g_strsplit(text + 8, ",", -1);
	k = lookup_key_strings(s->owner, (const char *const *)strings, g_strv_length(strings));
	g_strfreev(strings);
	return k;
}

static const struct value *make_maps(struct state *s, const char *names)
{
	char **words = g_strsplit(names, " ", -1);
	struct value *v = new_value(s, VALUE_LIST);

	v->u.list.count = g_strv_length(words);
	v->u.list.items = talloc_array(v, const struct value *, v->u.list.count);
	for (size_t i = 0; i < v->u.list.count; i++) {
		v->u.list.items[i] = g_hash_table_lookup(s->tables, words[i]);
		if (v->u.list.items[i] == NULL)
			die(s, words[i]);
	}
	g_strfreev(words);
	return v;
}

static const char *show(struct state *s, const struct value *v)
{
	if (v == NULL)
		return "nothing";
	if (v->kind == VALUE_BOOL)
		return v->u.boolean ? "true" : "false";
	return value_text(v, s->owner);
}

static void report(struct state *s, const char *asked, const char *expected, const char *got)
{
	bool ok = strcmp(expected, got) == 0;

	s->count++;
	s->failures += !ok;
	printf("%sok %u - line %u: %s\n", ok ? "" : "not ", s->count, s->line, asked);
	if (!ok)
		printf("# expected %s\n# got      %s\n", expected, got);
}

static void ask_first(struct state *s, char **fields, unsigned count)
{
	struct lookup_match match;
	struct error failed;
	const struct value *v = lookup_first(make_maps(s, fields[2]), make_key(s, fields[1]), NULL, s->owner, &match, &failed);
	const char *expected = fields[3], *got = show(s, v);

	if (failed.class != ERROR_NONE)
		got = failed.text;
	else if (v != NULL)
		got = talloc_asprintf(s->owner, "%s, by %s of table %u", got, match.key, match.table_index);
	if (count == 6)
		expected = talloc_asprintf(s->owner, "%s, by %s of table %s", fields[3], fields[4], fields[5]);
	report(s, fields[1], expected, got);
}

static void print_first(struct state *s, char **fields)
{
	struct lookup_match match;
	struct error failed;
	const struct value *v = lookup_first(make_maps(s, fields[2]), make_key(s, fields[1]), NULL, s->owner, &match, &failed);

	if (failed.class != ERROR_NONE)
		printf("failed\t%s\n", failed.text);
	else if (v == NULL)
		printf("nothing\n");
	else
		printf("%s\t%s\n", show(s, v), match.key);
}

static void ask_all(struct state *s, char **fields)
{
	const struct value *all = lookup_all(make_maps(s, fields[2]), make_key(s, fields[1]), NULL, s->owner, NULL);
	char *got = talloc_strdup(s->owner, "");

	for (size_t i = 0; i < all->u.list.count; i++)
		got = talloc_asprintf_append_buffer(got, "%s%s", i > 0 ? " ; " : "", show(s, all->u.list.items[i]));
	report(s, fields[1], fields[3], got);
}

/* Which keys are asked: of a hash, or of a database: "local" when the static tables call the address local, "no-at" when "user@" is a user. */
static char *keys_text(struct state *s, char **fields)
{
	struct lookup_key *k = make_key(s, fields[2]);
	bool local = strstr(fields[1], "local") != NULL, no_at = strstr(fields[1], "no-at") != NULL;
	size_t count;
	const char *const *keys = strcmp(fields[1], "hash") == 0 ? lookup_key_list(k, &count) : lookup_key_list_sql(k, s->owner, local, no_at, &count);
	char *got = talloc_strdup(s->owner, "");

	for (size_t i = 0; i < count; i++)
		got = talloc_asprintf_append_buffer(got, "%s%s", i > 0 ? " ; " : "", keys[i]);
	return got;
}

static void show_keys(struct state *s, char **fields)
{
	report(s, talloc_asprintf(s->owner, "keys of %s for %s", fields[2], fields[1]), fields[3], keys_text(s, fields));
}

/* Fields are parted by " | "; regular expressions may hold a "|" without blanks. */
static void ask(struct state *s, const char *line)
{
	char **fields = g_strsplit(line, " | ", -1);
	unsigned count = g_strv_length(fields);

	finish_table(s);
	if (s->print_only ? count != 3 : count != 4 && count != 6)
		die(s, "4 or 6 fields expected, 3 with -p");
	if (s->print_only && strcmp(fields[0], "keys") == 0)
		printf("%s\tkeys\n", keys_text(s, fields));
	else if (s->print_only)
		print_first(s, fields);
	else if (strcmp(fields[0], "all") == 0)
		ask_all(s, fields);
	else if (strcmp(fields[0], "keys") == 0)
		show_keys(s, fields);
	else
		ask_first(s, fields, count);
	g_strfreev(fields);
}

static void command(struct state *s, const char *line)
{
	char **words = g_strsplit(line, " ", -1);
	unsigned count = g_strv_length(words);

	finish_table(s);
	if (count == 3 && strcmp(words[0], "table") == 0)
		begin_table(s, words);
	else if (count == 2 && strcmp(words[0], "delimiter") == 0)
		s->style.recipient_delimiter = strcmp(words[1], "none") == 0 ? "" : talloc_strdup(s->owner, words[1]);
	else if (count == 2 && strcmp(words[0], "case") == 0)
		s->style.localpart_is_case_sensitive = strcmp(words[1], "yes") == 0;
	else
		die(s, "neither table, delimiter, case, ask, all nor keys");
	g_strfreev(words);
}

static void read_line(struct state *s, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	s->line++;
	if (line[0] == '\0' || line[0] == '#')
		return;
	if (line[0] == '\t')
		add_line(s, line + 1);
	else if (strncmp(line, "ask |", 5) == 0 || strncmp(line, "all |", 5) == 0 || strncmp(line, "keys |", 6) == 0)
		ask(s, line);
	else
		command(s, line);
}

int main(int argc, char **argv)
{
	const char *source = getenv("POSTERN_SOURCE");
	struct state s = { .owner = talloc_new(NULL), .tables = g_hash_table_new(g_str_hash, g_str_equal),
		.left = g_ptr_array_new(), .right = g_ptr_array_new() };
	char *path = talloc_asprintf(s.owner, "%s/tests/golden/lookup/lookups.txt", source != NULL ? source : ".");
	char *line = NULL;
	size_t size = 0;
	FILE *in;

	s.print_only = argc == 3 && strcmp(argv[1], "-p") == 0;
	in = fopen(s.print_only ? argv[2] : path, "r");
	if (in == NULL) {
		printf("Bail out! %s cannot be read\n", path);
		return 1;
	}
	while (getline(&line, &size, in) >= 0)
		read_line(&s, line);
	if (!s.print_only)
		printf("1..%u\n", s.count);
	free(line);
	fclose(in);
	g_ptr_array_free(s.left, TRUE);
	g_ptr_array_free(s.right, TRUE);
	g_hash_table_destroy(s.tables);
	talloc_free(s.owner);
	return s.failures > 0;
}
