/* part_tree.c - see part_tree.h. What it prints was said by an opener: names and notes are escaped. */
#include "config.h"

#include "worker/part_tree.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

static void append_attributes(GString *out, unsigned attributes)
{
	static const char letters[] = PART_ATTRIBUTE_LETTERS;
	for (unsigned i = 0; letters[i]; i++)
		if (attributes & 1u << i)
			g_string_append_c(out, letters[i]);
}

/* --- for people --- */

static void append_text(GString *out, const char *before, const char *text)
{
	if (!text)
		return;
	g_string_append(out, before);
	text_append_escaped(out, text, strlen(text));
}

static void text_part(GString *out, const struct part *p)
{
	g_string_append_printf(out, "%*s%s", (int)(2 * p->level), "", p->placement);
	for (unsigned i = 0; i < p->mime_type_count; i++)
		append_text(out, i ? ", " : " ", p->mime_types[i]);
	append_text(out, " .", p->type_short);
	append_text(out, " (", p->type_full);
	g_string_append_printf(out, "%s, %" PRIu64 " bytes", p->type_full ? ")" : "", p->size_bytes);
	if (p->attributes) {
		g_string_append(out, ", ");
		append_attributes(out, p->attributes);
	}
	append_text(out, ", opened by ", p->decoder);
	append_text(out, ", ", p->note);
	append_text(out, ", digest ", p->digest);
	g_string_append_c(out, '\n');
	for (unsigned i = 0; i < p->name_count; i++) {
		g_string_append_printf(out, "%*s", (int)(2 * p->level + 2), "");
		append_text(out, "name ", p->names[i]);
		g_string_append_c(out, '\n');
	}
}

void part_tree_text(GString *out, const struct mail *m)
{
	for (unsigned i = 0; i < m->part_count; i++)
		text_part(out, &m->parts[i]);
}

/* --- for programs --- */

static void json_string(GString *out, const char *key, const char *text)
{
	if (!text)
		return;
	g_string_append_printf(out, ",\"%s\":", key);
	text_append_json(out, text, strlen(text));
}

static void json_list(GString *out, const char *key, const char *const *texts, unsigned count)
{
	g_string_append_printf(out, ",\"%s\":[", key);
	for (unsigned i = 0; i < count; i++) {
		g_string_append(out, i ? "," : "");
		text_append_json(out, texts[i], strlen(texts[i]));
	}
	g_string_append_c(out, ']');
}

/* Several types are joined by commas: "exe,exe-ms". */
static void json_types(GString *out, const char *joined)
{
	char **types = g_strsplit(joined ? joined : "", ",", -1);
	json_list(out, "types", (const char *const *)types, g_strv_length(types));
	g_strfreev(types);
}

static void json_part(GString *out, const struct part *p)
{
	g_string_append_printf(out, "{\"number\":%u,\"parent\":%u,\"level\":%u,\"size\":%" PRIu64, p->number, p->parent, p->level, p->size_bytes);
	json_string(out, "placement", p->placement);
	json_list(out, "mime_types", p->mime_types, p->mime_type_count);
	json_list(out, "names", p->names, p->name_count);
	json_types(out, p->type_short);
	json_string(out, "full_type", p->type_full);
	json_string(out, "digest", p->digest);
	g_string_append(out, ",\"attributes\":\"");
	append_attributes(out, p->attributes);
	g_string_append_c(out, '"');
	json_string(out, "decoder", p->decoder);
	json_string(out, "note", p->note);
	g_string_append_c(out, '}');
}

void part_tree_json(GString *out, const struct mail *m)
{
	g_string_append(out, ",\"tree\":[");
	for (unsigned i = 0; i < m->part_count; i++) {
		g_string_append(out, i ? "," : "");
		json_part(out, &m->parts[i]);
	}
	g_string_append_c(out, ']');
}
