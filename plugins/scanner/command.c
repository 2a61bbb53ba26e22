/* command.c - runs any virus scanner program over the folder of parts and reads its exit code and output.
 *
 * An argument vector, never a shell.  "infected" is tested first, then
 * "inconclusive", then "clean"; what is none of them is a failure, and without
 * "clean" the scanner never vouches. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX (200 * 1024)
#define ARGUMENT_BYTES_MAX 4000	/* of one run, as amavisd-new: longer lists are split */

struct options {
	struct postern_strings program;
	struct postern_strings args, version_args;
	struct postern_match clean, infected, inconclusive;
	struct postern_regex *names, *version;
};

struct words {
	const char **v;
	size_t count, allocated, bytes;
};

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

/* Found at start: an absolute path. */
static const char *program_of(struct postern_call *call)
{
	return *postern_state(postern_call_instance(call));
}

static void add_word(struct postern_call *call, struct words *w, const char *word)
{
	if (w->count + 2 > w->allocated) {
		size_t more = w->allocated ? 2 * w->allocated : 16;
		const char **v = postern_alloc(call, more * sizeof *v);
		if (w->count)
			memcpy(v, w->v, w->count * sizeof *v);
		w->v = v;
		w->allocated = more;
	}
	w->v[w->count++] = word;
	w->v[w->count] = NULL;
	w->bytes += strlen(word) + 1;
}

/* One word up to a blank; single or double quotes keep blanks in it. There is no other syntax. */
static const char *take_word(struct postern_call *call, const char *at, char **word)
{
	char *to = *word = postern_alloc(call, strlen(at) + 1);
	char quote = '\0';
	for (; *at && (quote || *at != ' '); at++) {
		if (quote ? *at == quote : (*at == '"' || *at == '\''))
			quote = quote ? '\0' : *at;
		else
			*to++ = *at;
	}
	return at;
}

static void split_words(struct postern_call *call, const char *text, struct words *out)
{
	char *word;
	while (*(text += strspn(text, " "))) {
		text = take_word(call, text, &word);
		add_word(call, out, word);
	}
}

/* One string is split, a list taken as it is. */
static void add_arguments(struct postern_call *call, const struct postern_strings *args, struct words *out)
{
	if (args->count == 1)
		split_words(call, args->v[0], out);
	else
		for (size_t k = 0; k < args->count; k++)
			add_word(call, out, args->v[k]);
}

/* Every "{}" in a word becomes the folder. */
static const char *put_folder(struct postern_call *call, const char *word, const char *folder)
{
	const char *hole = strstr(word, "{}");
	if (!hole)
		return word;
	return postern_printf(call, "%.*s%s%s", (int)(hole - word), word, folder, put_folder(call, hole + 2, folder));
}

static bool is_files(const char *word)
{
	return strcmp(word, "*") == 0 || strcmp(word, "{}/*") == 0;
}

/* Part files from *next on, as many as fit. Bare names stand for the working folder, which is the folder of parts. */
static void add_files(struct postern_call *call, const struct postern_mail *mail, bool full, size_t room, size_t *next, struct words *out)
{
	size_t used = 0;
	for (; *next < postern_mail_part_count(mail); ++*next) {
		const char *path = postern_part_path(call, postern_mail_part(mail, *next));
		if (!path)
			continue;
		const char *word = full ? path : strrchr(path, '/') + 1;
		if (used > 0 && used + strlen(word) + 1 > room)
			return;
		used += strlen(word) + 1;
		add_word(call, out, word);
	}
}

/* The arguments of one run; *next moves on over the files that it names. */
static struct words build_run(struct postern_call *call, const struct postern_mail *mail, const struct words *template, size_t *next)
{
	struct words run = { 0 };
	size_t room = template->bytes < ARGUMENT_BYTES_MAX ? ARGUMENT_BYTES_MAX - template->bytes : 1;
	bool listed = false;
	add_word(call, &run, program_of(call));
	for (size_t k = 0; k < template->count; k++) {
		const char *word = template->v[k];
		if (!is_files(word)) {
			add_word(call, &run, put_folder(call, word, postern_mail_folder(mail)));
			continue;
		}
		listed = true;
		add_files(call, mail, word[0] == '{', room, next, &run);
	}
	if (!listed)
		*next = postern_mail_part_count(mail);
	return run;
}

static void add_name(struct postern_call *call, const char *name, void *context)
{
	(void)context;
	postern_found(call, NULL, name);
}

static enum postern_result infected(struct postern_call *call, const struct postern_run_result *r)
{
	const struct options *o = options_of(call);
	size_t names = o->names ? postern_regex_each(call, o->names, r->output, r->output_size, add_name, NULL) : 0;
	if (names == 0)
		postern_found(call, NULL, "");
	return POSTERN_OK;
}

static enum postern_result judge(struct postern_call *call, const struct postern_run_result *r)
{
	const struct options *o = options_of(call);
	postern_set_output(call, r->output, r->output_size);
	if (r->signal) {
		/* What it said of one part before another one killed it stands. */
		if (o->infected.regex && postern_regex_match(o->infected.regex, r->output, r->output_size))
			infected(call, r);
		return postern_fail(call, POSTERN_TEMPFAIL, "%s was killed by signal %d", program_of(call), r->signal);
	}
	if (postern_match(&o->infected, r->exit_code, r->output, r->output_size))
		return infected(call, r);
	if (postern_match(&o->inconclusive, r->exit_code, r->output, r->output_size))
		return postern_fail(call, POSTERN_NOTHING, "%s could not look into everything (exit code %d)", program_of(call), r->exit_code);
	if (!o->clean.given)
		return postern_fail(call, POSTERN_NOTHING, "%s found nothing, and is not asked to vouch", program_of(call));
	/* What would have matched may stand behind what was read. */
	if (r->output_cut && (o->clean.regex || o->infected.regex || o->inconclusive.regex))
		return postern_fail(call, POSTERN_TEMPFAIL, "%s printed more than %d bytes", program_of(call), OUTPUT_MAX);
	if (postern_match(&o->clean, r->exit_code, r->output, r->output_size))
		return POSTERN_OK;
	return postern_fail(call, POSTERN_TEMPFAIL, "%s: exit code %d is neither clean nor infected; it printed \"%.200s\"",
		program_of(call), r->exit_code, r->output);
}

/* Run after run over the parts that were not named yet. One that fails, over a part maybe, does not hide what the next ones find. */
static enum postern_result run_all(struct postern_call *call, const struct postern_mail *mail, const struct words *template)
{
	struct postern_run_result r, failed;
	enum postern_result result = POSTERN_OK;
	bool any_failed = false;
	size_t next = 0;
	do {
		struct words run = build_run(call, mail, template, &next);
		if (postern_run(call, run.v, -1, postern_mail_folder(mail), OUTPUT_MAX, &r) != 0)
			return POSTERN_TEMPFAIL;
		enum postern_result one = judge(call, &r);
		if (one == POSTERN_NOTHING) {
			result = one;
		} else if (one != POSTERN_OK) {
			failed = r;
			any_failed = true;
		}
	} while (next < postern_mail_part_count(mail));
	return any_failed ? judge(call, &failed) : result;	/* once more: that text is to be told */
}

static enum postern_result command_scan(struct postern_call *call, const struct postern_mail *mail)
{
	struct words template = { 0 };
	add_arguments(call, &options_of(call)->args, &template);
	if (!postern_mail_folder(mail))
		return postern_fail(call, POSTERN_BROKEN, "there is no folder of parts to give to %s", program_of(call));
	return run_all(call, mail, &template);
}

static enum postern_result no_program(struct postern_call *call)
{
	return postern_fail(call, POSTERN_TEMPFAIL, "there is no program \"%s\" any more", program_of(call));
}

/* Is it there at all; and what does it call itself, where the options say how that is asked. */
static enum postern_result command_version(struct postern_call *call)
{
	const struct options *o = options_of(call);
	struct words run = { 0 };
	struct postern_run_result r;
	if (!postern_find_program(postern_call_instance(call), program_of(call)))
		return no_program(call);
	if (o->version_args.count == 0)
		return POSTERN_OK;
	add_word(call, &run, program_of(call));
	add_arguments(call, &o->version_args, &run);
	if (postern_run(call, run.v, -1, NULL, OUTPUT_MAX, &r) != 0)
		return POSTERN_TEMPFAIL;
	if (r.signal)
		return postern_fail(call, POSTERN_TEMPFAIL, "%s was killed by signal %d when asked for its version", program_of(call), r.signal);
	peer_take_version(call, o->version, r.output, r.output_size);
	return POSTERN_OK;
}

static enum postern_result command_check(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	if (!o->infected.given)
		return postern_complain(error, POSTERN_BROKEN, "infected: is required: exit codes or a regular expression that tell a virus");
	if (o->version && o->version_args.count == 0)
		return postern_complain(error, POSTERN_BROKEN, "version: needs version_args, the arguments that make the program tell its version");
	return POSTERN_OK;
}

static enum postern_result command_start(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	void **found = postern_state(instance);
	*found = NULL;
	for (size_t k = 0; k < o->program.count && !*found; k++)
		*found = (void *)(uintptr_t)postern_find_program(instance, o->program.v[k]);
	if (*found)
		return POSTERN_OK;
	return postern_complain(error, POSTERN_TEMPFAIL, "there is no program \"%s\"%s; install it, or name it by its absolute path",
		o->program.v[0], o->program.count > 1 ? " nor any other of its list" : "");
}

static const struct postern_option option_table[] = {
	{ .name = "program", .type = POSTERN_STRINGS, .offset = offsetof(struct options, program),
	  .flags = POSTERN_POSITIONAL | POSTERN_REQUIRED | POSTERN_PROGRAM,
	  .doc = "The program: an absolute path, or a name looked up in the setting path; of a list the first that is there. Where none is, the "
		"scanner is left out, with one warning at start." },
	{ .name = "args", .type = POSTERN_STRINGS, .offset = offsetof(struct options, args), .value = "{}",
	  .doc = "Its arguments: one string split at blanks (quotes keep them together), or a list taken as it is. {} is the folder of parts, "
		"* the names of the parts in it, {}/* their full names." },
	{ .name = "clean", .type = POSTERN_MATCH, .offset = offsetof(struct options, clean),
	  .doc = "What tells that there is no virus. Not given: the scanner can accuse, but not vouch." },
	{ .name = "infected", .type = POSTERN_MATCH, .offset = offsetof(struct options, infected),
	  .doc = "What tells a virus; tested before clean." },
	{ .name = "inconclusive", .type = POSTERN_MATCH, .offset = offsetof(struct options, inconclusive),
	  .doc = "What tells that something could not be looked into (encrypted, damaged): neither clean nor a failure; tested before clean." },
	{ .name = "names", .type = POSTERN_REGEX, .offset = offsetof(struct options, names),
	  .doc = "Finds the names in the output: each match's first group." },
	{ .name = "version_args", .type = POSTERN_STRINGS, .offset = offsetof(struct options, version_args),
	  .doc = "Arguments that make the program print its version, such as \"--version\"; not given: it is not asked." },
	{ .name = "version", .type = POSTERN_REGEX, .offset = offsetof(struct options, version),
	  .doc = "Finds the version in that output: its first group; default: the first line." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = { .size = sizeof scanner_ops, .scan = command_scan, .version = command_version };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "command", .version = "1", .doc = "Runs a virus scanner program.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PATH | POSTERN_CAP_EXEC,
	.options = option_table, .options_size = sizeof(struct options),
	.check = command_check, .start = command_start, .scanner = &scanner_ops,
};
