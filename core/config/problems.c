/* problems.c - what is wrong with a configuration: collected, sorted by file and line, printed. */
#include "config.h"

#include "config/inside.h"

#include <string.h>

static void problem_free(gpointer data)
{
	struct config_problem *p = data;

	g_free(p->file);
	g_free(p->text);
	g_free(p);
}

GPtrArray *problems_new(void)
{
	return g_ptr_array_new_with_free_func(problem_free);
}

static bool already_told(const GPtrArray *problems, const struct config_problem *p)
{
	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *q = g_ptr_array_index(problems, i);

		if (q->line == p->line && !strcmp(q->file, p->file) && !strcmp(q->text, p->text))
			return true;
	}
	return false;
}

static void add(struct config *c, const char *file, int line, bool warning, char *text)
{
	struct config_problem *p = g_new0(struct config_problem, 1);

	p->file = g_strdup(file ? file : "configuration");
	p->line = line > 0 ? line : 1;	/* what is missing, or about a file as a whole, is told at its first line */
	p->text = text;
	p->warning = warning;
	if (!c->problems || already_told(c->problems, p))
		problem_free(p);
	else
		g_ptr_array_add(c->problems, p);
}

void problem_add(struct config *c, const char *file, int line, bool warning, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(c, file, line, warning, g_strdup_vprintf(format, ap));
	va_end(ap);
}

void problem_here(struct config *c, bool warning, const char *format, ...)
{
	const char *file = NULL;
	int line = 0;
	va_list ap;

	place_here(c, false, &file, &line);
	va_start(ap, format);
	add(c, file, line, warning, g_strdup_vprintf(format, ap));
	va_end(ap);
}

void problem_fault(struct config *c, const struct sandbox_fault *fault, const char *file)
{
	c->cut_short = true;
	if (fault->chunk > 0 && (guint)fault->chunk <= c->files->len)
		file = ((struct source_file *)g_ptr_array_index(c->files, fault->chunk - 1))->name;
	problem_add(c, file, fault->line, false, "%s", fault->text);
}

/* A default that goes by a wrong setting is wrong too, but the setting is what the administrator is to look at. */
void problems_drop_defaults(GPtrArray *problems)
{
	bool others = false;

	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *p = g_ptr_array_index(problems, i);

		others |= !p->warning && strcmp(p->file, PROBLEM_IN_DEFAULT) != 0;
	}
	for (guint i = problems->len; others && i-- > 0;)
		if (!strcmp(((const struct config_problem *)g_ptr_array_index(problems, i))->file, PROBLEM_IN_DEFAULT))
			g_ptr_array_remove_index(problems, i);
}

static int compare(gconstpointer a, gconstpointer b)
{
	const struct config_problem *p = *(const struct config_problem *const *)a, *q = *(const struct config_problem *const *)b;
	int order = strcmp(p->file, q->file);

	if (order)
		return order;
	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	return strcmp(p->text, q->text);
}

void problems_sort(GPtrArray *problems)
{
	g_ptr_array_sort(problems, compare);
}

unsigned config_error_count(const GPtrArray *problems)
{
	unsigned n = 0;

	for (guint i = 0; i < problems->len; i++)
		n += !((const struct config_problem *)g_ptr_array_index(problems, i))->warning;
	return n;
}

void config_print_problems(FILE *to, const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *p = g_ptr_array_index(problems, i);

		fprintf(to, "%s:%d: %s%s\n", p->file, p->line, p->warning ? "warning: " : "", p->text);
	}
}
