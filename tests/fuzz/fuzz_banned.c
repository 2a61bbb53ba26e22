/* fuzz_banned.c - any bytes as the names and types of a tree of parts: rules find no part that is not there, a name that plainly ends in
 * .exe is always found, and text for people is made of all of it. The first byte chooses the reading; lines are names, a TAB goes one level down. */
#include "config.h"
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/pattern.h"
#include "lookup/lookup.h"
#include "worker/banned.h"
#include "worker/banned_strings.h"

#define PARTS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static const struct value *rules_new(void *owner)
{
	struct pattern **patterns = talloc_array(owner, struct pattern *, 2);
	const struct value **results = talloc_array(owner, const struct value *, 2);
	struct value *v = talloc_zero(owner, struct value);
	patterns[0] = pattern_compile(owner, "(?# program )\\.exe$", "i", NULL);
	patterns[1] = pattern_compile(owner, "^UNDECIPHERABLE$", "", NULL);
	results[0] = results[1] = &value_true;
	v->kind = VALUE_TABLE;
	v->u.table = lookup_table_re(owner, patterns, results, 2);
	return v;
}

static void add_part(struct mail *m, char *line)
{
	struct part *p = &m->parts[m->part_count++];
	bool child = *line == '\t' && m->part_count > 1;
	*p = (struct part){ .number = m->part_count, .parent = child ? m->part_count - 1 : 0, .placement = "1", .attributes = (uint16_t)strlen(line) };
	p->type_short = "exe,exe-ms";
	p->names = talloc_array(m, const char *, 2);
	p->mime_types = talloc_array(m, const char *, 1);
	p->mime_types[p->mime_type_count++] = "text/plain";
	p->names[p->name_count++] = line;
	p->names[p->name_count++] = line + strlen(line) / 2;
}

static void read_tree(struct mail *m, char *text)
{
	m->parts = talloc_zero_array(m, struct part, PARTS_MAX);
	for (char *line = text; line && m->part_count < PARTS_MAX;) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		add_part(m, line);
		line = end ? end + 1 : NULL;
	}
}

static bool any_plain_exe(const struct mail *m)
{
	for (unsigned i = 0; i < m->part_count; i++)
		if (g_str_has_suffix(m->parts[i].names[0], ".exe"))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail *m = talloc_zero(NULL, struct mail);
	struct banned_rules rules = { .by_path = size > 0 && data[0] & 1 };
	struct banned_result found;
	const struct value *table = rules_new(m);
	if (size > 0 && data[0] & 2)
		rules.namepath = table;
	read_tree(m, talloc_strndup(m, size > 0 ? (const char *)data + 1 : "", size > 0 ? size - 1 : 0));
	require(banned_find(m, &rules, table, m, &found, NULL) == 0);
	require(found.count > 0 || rules.by_path || !any_plain_exe(m));
	for (unsigned i = 0; i < found.count; i++)
		require(found.hits[i].part > 0 && found.hits[i].part <= m->part_count && found.hits[i].summary && found.hits[i].path_attributes);
	talloc_free(m);
	return 0;
}
