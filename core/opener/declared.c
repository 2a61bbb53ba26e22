/* declared.c - see declared.h. */
#include "config.h"

#include "opener/declared.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "opener/tree.h"

static const struct kind {
	const char *type, *endings, *mime_types;
} kinds[] = {
	{ "html", "html|htm|xhtml|xht|shtml|svg|hta|js|jse|mjs|vbs|vbe|wsf|wsc|mht|mhtml|xml", "text/html|text/xml|application/xml|application/hta|image/svg" },
	{ "pdf", "pdf", "application/pdf|application/x-pdf|text/pdf" },
	{ "ics", "ics|ical|ifb|vcs", "text/calendar|text/x-vcalendar|application/ics" },
	{ "vcf", "vcf|vcard", "text/vcard|text/x-vcard|text/directory" },
};

/* Where files are opened by their name, dots and blanks at its end are no part of it. */
static bool ends_so(const char *name, const char *endings)
{
	char ending[16];
	size_t n = strlen(name), from;
	while (n > 0 && (name[n - 1] == '.' || name[n - 1] == ' '))
		n--;
	for (from = n; from > 0 && name[from - 1] != '.'; from--)
		;
	if (from == 0 || n - from >= sizeof ending)
		return false;
	for (size_t i = from; i < n; i++)
		ending[i - from] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
	return n > from && tree_type_in(endings, '|', ending, n - from);
}

static bool is_declared_so(const char *mime_type, const struct kind *k)
{
	size_t n = strlen(mime_type);
	if (tree_type_in(k->mime_types, '|', mime_type, n))
		return true;
	return k == &kinds[0] && (strstr(mime_type, "script") || (n > 4 && strcmp(mime_type + n - 4, "+xml") == 0));
}

unsigned declared_kinds(const char *const *names, size_t name_count, const char *const *mime_types, size_t mime_type_count)
{
	unsigned set = 0;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		bool is = false;
		for (size_t i = 0; i < name_count && !is; i++)
			is = ends_so(names[i], kinds[k].endings);
		for (size_t i = 0; i < mime_type_count && !is; i++)
			is = is_declared_so(mime_types[i], &kinds[k]);
		set |= is ? 1u << k : 0;
	}
	return set;
}

const char *declared_next(unsigned *set)
{
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		if (*set & 1u << k) {
			*set &= ~(1u << k);
			return kinds[k].type;
		}
	return NULL;
}
