/* outcome.c - why a walk ends, or one branch of it, and what is told of that. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <stdarg.h>
#include <talloc.h>

__attribute__((format(printf, 3, 0)))
static void keep_text(struct walk *w, const char **slot, const char *format, va_list arguments)
{
	if (!*slot)
		*slot = talloc_vasprintf(w->owner, format, arguments);
}

void walk_limit(struct walk *w, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	budget_note_v(&w->budget, true, format, arguments);
	va_end(arguments);
}

static bool is_of_environment(int problem)
{
	return problem == ENOSPC || problem == EDQUOT || problem == EMFILE || problem == ENFILE || problem == ENOMEM || problem == EIO;
}

void walk_broken(struct walk *w, int problem, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	keep_text(w, &w->out->hold, format, arguments);
	va_end(arguments);
	w->out->outcome = is_of_environment(problem) ? OPENED_ENVIRONMENT : OPENED_BROKEN;
	w->broken = true;
}

void walk_mime_error(struct walk *w, const char *format, ...)
{
	va_list arguments;
	if (w->header_only)
		return;
	va_start(arguments, format);
	keep_text(w, &w->out->mime_error, format, arguments);
	va_end(arguments);
}

bool walk_stopped(const struct walk *w)
{
	return w->broken || w->budget.stopped;
}

bool walk_may_go_on(struct walk *w)
{
	return !w->broken && budget_may_go_on(&w->budget);
}

bool walk_deeper(struct walk *w, struct place *at)
{
	return budget_take_level(&w->budget, ++at->level);
}
