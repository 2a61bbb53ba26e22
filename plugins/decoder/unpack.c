/* unpack.c - opens what a program can open: the worker starts it in a jail, what it makes becomes children.
 *
 * Nothing of the part or of the program's doings is read here but its last
 * words and its exit code.  A program that was killed, or ended in a way that
 * nobody described, or made nothing, has not opened the part. */
#include <postern/plugin.h>

#include <string.h>

#define PASSWORD_HOLE "{password}"
#define PASSWORD_MAX 128

struct options {
	const char *program, *types, *suffix, *output, *no_password;
	struct postern_strings args, reads;
	struct postern_match good, nothing, encrypted;
	struct postern_regex *failed;
	int64_t memory_bytes, threads;
	bool reliable;
};

static const struct options *options_of(struct postern_call *call)
{
	return postern_options(postern_call_instance(call));
}

static const char *types_of(const struct postern_instance *instance)
{
	return ((const struct options *)postern_options(instance))->types;
}

/* --- in the worker: what is to be started --- */

/* NULL: left out. */
static const char *word_with(struct postern_call *call, const char *word, const char *password)
{
	const char *hole = strstr(word, PASSWORD_HOLE);
	if (!hole)
		return word;
	if (!password)
		return options_of(call)->no_password;
	return postern_printf(call, "%.*s%s%s", (int)(hole - word), word, password, hole + strlen(PASSWORD_HOLE));
}

static enum postern_result program(struct postern_call *call, const char *password, struct postern_program *out)
{
	const struct options *o = options_of(call);
	const char **argv = postern_alloc(call, (o->args.count + 2) * sizeof *argv);
	size_t n = 0;
	argv[n++] = o->program;
	for (size_t i = 0; i < o->args.count; i++) {
		const char *word = word_with(call, o->args.v[i], password);
		if (word)
			argv[n++] = word;
	}
	*out = (struct postern_program){
		.argv = argv, .suffix = o->suffix, .output_is_content = strcmp(o->output, "content") == 0, .reads = o->reads.v,
		.memory_bytes = o->memory_bytes, .threads = (int)o->threads,
	};
	return POSTERN_OK;
}

/* --- in the opener --- */

static bool takes_passwords(const struct options *o)
{
	bool hole = false;
	for (size_t i = 0; i < o->args.count; i++)
		hole |= strstr(o->args.v[i], PASSWORD_HOLE) != NULL;
	return hole && o->encrypted.given;
}

static bool says(const struct postern_match *m, const struct postern_unpacked *u)
{
	return m->given && postern_match(m, u->exit_code, u->said, u->said_size);
}

static bool is_usable(const char *password)
{
	for (const char *p = password; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return false;
	return strlen(password) <= PASSWORD_MAX;
}

/* Run it, then again with each word of the mail until one opens what is encrypted; *password: the last one tried. */
static enum postern_result run(struct postern_call *call, const struct postern_part *part, struct postern_unpacked *u, const char **password)
{
	const struct options *o = options_of(call);
	enum postern_result r = postern_unpack(call, part, NULL, u);
	*password = NULL;
	for (size_t i = 0; r == POSTERN_OK && !u->stopped && takes_passwords(o) && says(&o->encrypted, u); i++) {
		const char *word = postern_password(call, i);
		if (!word)
			break;
		if (!is_usable(word))
			continue;
		*password = word;
		r = postern_unpack(call, part, word, u);
	}
	return r;
}

/* A compressed file's content has its name without the last suffix. */
static void name_content(struct postern_call *call, const struct postern_part *part)
{
	for (size_t i = 0; i < postern_part_name_count(part); i++) {
		const char *name = postern_part_name_at(part, i), *dot = strrchr(name, '.');
		if (dot && dot != name)
			postern_child_name(call, postern_printf(call, "%.*s", (int)(dot - name), name));
	}
}

static bool take_content(struct postern_call *call, const struct postern_part *part, bool whole)
{
	if (!postern_child_begin(call, NULL))
		return false;
	name_content(call, part);
	if (!whole)
		postern_child_attribute(call, 'U');
	return postern_unpacked_content(call) && postern_child_end(call);
}

static enum postern_result judge(struct postern_call *call, const struct postern_unpacked *u, const char *password, size_t made)
{
	const struct options *o = options_of(call);
	if (u->stopped)
		return POSTERN_LIMIT;
	if (says(&o->encrypted, u)) {
		postern_part_attribute(call, 'C');
		return postern_fail(call, POSTERN_BROKEN, "encrypted, and no word of the mail opens it");
	}
	if (u->signal)
		return postern_fail(call, POSTERN_BROKEN, "%s was ended by signal %d", o->program, u->signal);
	if (!says(&o->good, u))
		return postern_fail(call, POSTERN_BROKEN, "%s ended with exit code %d", o->program, u->exit_code);
	if (o->failed && postern_regex_match(o->failed, u->said, u->said_size))
		return postern_fail(call, POSTERN_BROKEN, "%s says that it failed", o->program);
	if (!o->reliable)
		return postern_fail(call, POSTERN_BROKEN, "%s does not say whether this is all", o->program);
	if (made == 0)
		return postern_fail(call, POSTERN_BROKEN, "%s made nothing of it", o->program);
	if (password)
		postern_part_attribute(call, 'K');
	return POSTERN_OK;
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	const struct options *o = options_of(call);
	struct postern_unpacked u;
	const char *password;
	size_t made = 1;
	enum postern_result r = run(call, part, &u, &password);
	if (r != POSTERN_OK)
		return r;
	if (!u.stopped && says(&o->nothing, &u))
		return POSTERN_NOTHING;
	bool content = strcmp(o->output, "content") == 0, ended_well = !u.stopped && says(&o->good, &u);
	bool taken = content ? take_content(call, part, ended_well) : postern_unpacked_files(call, &made);
	return taken ? judge(call, &u, password, made) : POSTERN_LIMIT;
}

static enum postern_result check(struct postern_instance *instance, struct postern_error *e)
{
	const struct options *o = postern_options(instance);
	bool hole = false;
	for (size_t i = 0; i < o->args.count; i++)
		hole |= strstr(o->args.v[i], PASSWORD_HOLE) != NULL;
	if (hole && !o->encrypted.given)
		return postern_complain(e, POSTERN_BROKEN, "args take a %s, but nothing says when one is needed: set encrypted, too", PASSWORD_HOLE);
	if (!hole && o->no_password)
		return postern_complain(e, POSTERN_BROKEN, "no_password stands for an argument with %s, and there is none", PASSWORD_HOLE);
	return POSTERN_OK;
}

#define FIELD(name) offsetof(struct options, name)
static const struct postern_option table[] = {
	{ .name = "program", .type = POSTERN_STRING, .offset = FIELD(program), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The program: an absolute file name, or a name that is looked up in the setting path. No script." },
	{ .name = "types", .type = POSTERN_STRING, .offset = FIELD(types), .flags = POSTERN_REQUIRED, .doc = "Short file types that it opens, joined by '|'." },
	{ .name = "args", .type = POSTERN_STRINGS, .offset = FIELD(args),
	  .doc = "Its arguments, each as it is; {} becomes the part, {password} a word of the mail. Without {} the part is on standard input." },
	{ .name = "suffix", .type = POSTERN_STRING, .offset = FIELD(suffix), .doc = "End of the file name by which it finds the part, like .arj, for programs that look at it." },
	{ .name = "output", .type = POSTERN_ENUM, .offset = FIELD(output), .value = "files", .choices = "files|content",
	  .doc = "What comes out: files, in the folder where it stands, or one content, on standard output." },
	{ .name = "good", .type = POSTERN_MATCH, .offset = FIELD(good), .value = "0", .doc = "Exit codes of success, or what it prints then. Anything else: the part was not opened." },
	{ .name = "nothing", .type = POSTERN_MATCH, .offset = FIELD(nothing), .doc = "Exit codes, or what it prints, when the part is not of its kind: others are tried." },
	{ .name = "failed", .type = POSTERN_REGEX, .offset = FIELD(failed), .doc = "What it prints where it failed in spite of a good exit code." },
	{ .name = "reliable", .type = POSTERN_BOOL, .offset = FIELD(reliable), .value = "true",
	  .doc = "It tells when it missed something. false: what it makes is looked at, and the part is undecipherable all the same." },
	{ .name = "encrypted", .type = POSTERN_MATCH, .offset = FIELD(encrypted), .doc = "Exit codes, or what it prints, where a password is missing or wrong." },
	{ .name = "no_password", .type = POSTERN_STRING, .offset = FIELD(no_password),
	  .doc = "Argument in place of the one with {password} while none is tried; without it that argument is left out." },
	{ .name = "reads", .type = POSTERN_STRINGS, .offset = FIELD(reads), .doc = "Files and folders that it needs to read besides itself, its libraries and the part." },
	{ .name = "memory", .type = POSTERN_SIZE, .offset = FIELD(memory_bytes), .value = "1G", .min = 16 << 20, .max = INT64_MAX / 2, .doc = "Address space that it may use." },
	{ .name = "threads", .type = POSTERN_INT, .offset = FIELD(threads), .value = "0", .min = 0, .max = 256, .doc = "Threads that it may start; other processes it never may." },
	{ .name = NULL }
};

static const struct postern_decoder_ops decoder_ops = {
	.size = sizeof decoder_ops, .decode = decode, .types_of = types_of, .program = program,
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "unpack", .version = "1", .doc = "Opens what a program can open, started in a jail of its own.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .options = table, .options_size = sizeof(struct options),
	.check = check, .decoder = &decoder_ops,
};
