/* postern/plugin.h - what a Postern plugin exports and what the host offers it.
 *
 * Changelog of the interface (newest first)
 *   0.2  2026-11-26  lookups and databases in force: postern_lookup_ops.rows, probe and ping, statements with typed parameters, their columns
 *                    and records with sizes (postern_columns, postern_record, postern_executed), postern_database_ops.ping;
 *                    postern_connect, postern_wait and postern_resolve for libraries that bring sockets of their own; POSTERN_PROGRAM;
 *                    tables that load() reads and the host asks: postern_lookup_ops.table, postern_read_lines(), postern_table_add(),
 *                    postern_watch_file(); decoders in force: postern_child_begin gives no descriptor, names, types,
 *                    attributes, passwords, asked for what a part is called, too; programs that decode.
 *   0.1  2026-11-21  first: all roles, options, findings, connections, programs, deliveries.
 *
 * A plugin is a shared object that exports one constant, `postern_plugin`.  The
 * host reads it before it runs any of the plugin's code.  While the major
 * number is 0: same major and plugin minor <= host minor.  A struct with a
 * smaller `size` than the host's is taken as one whose missing members are
 * not provided.
 *
 * Rules.  One call at a time per instance.  Never fork, never change signal
 * handlers, locale, directory or umask, never write to descriptors 0-2, never
 * run a shell.  Block only in the postern_* helpers: they honour the call's
 * deadline.  The absence of a verdict is never "clean": a scanner that could not
 * finish returns something other than POSTERN_OK.  Plugins return facts, the
 * host decides.
 *
 * Who calls what where:
 *   check  worker template, before anything runs; pure: look at the options only
 *   load   the template whose children will run the plugin (the opener template for POSTERN_CAP_HOSTILE_PARSER);
 *          heavy shared data; its memory is shared copy-on-write.  When something that it has read has changed on disk: an opener
 *          template is started anew beside the old; the worker template calls load() again, which must leave everything as it was
 *          when it fails, and then replaces its workers as they fall idle
 *   start  worker or opener, after fork, privileges gone
 *   calls  worker (main thread or a thread of its own) or jailed opener
 *   idle   worker or opener, between mails
 *   stop   before the process leaves
 * Objects are never dlclosed. */
#ifndef POSTERN_PLUGIN_H
#define POSTERN_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POSTERN_ABI_MAJOR 0
#define POSTERN_ABI_MINOR 2

enum postern_result {
	POSTERN_OK = 0,		/* done; what was found was reported */
	POSTERN_NOTHING,	/* not my business, or inconclusive: neither clean nor failed */
	POSTERN_TEMPFAIL,	/* could not answer: peer dead, time over */
	POSTERN_LIMIT,		/* too big, too deep, too many for the one asked */
	POSTERN_BROKEN		/* the answer made no sense, or the configuration is wrong */
};

enum postern_role {
	POSTERN_DECODER = 1 << 0,	/* part -> child parts */
	POSTERN_SCANNER = 1 << 1,	/* mail or part -> findings */
	POSTERN_SCORE = 1 << 2,		/* mail -> score lines */
	POSTERN_LOOKUP = 1 << 3,	/* key -> value */
	POSTERN_DELIVERY = 1 << 4,	/* mail -> a place; the plugin's name is the method's scheme */
	POSTERN_REPORT = 1 << 5,	/* result -> outside */
	POSTERN_DATABASE = 1 << 6	/* statements */
};

enum postern_capability {
	POSTERN_CAP_PER_PART = 1 << 0,		/* scan_part is called for each part (else scan once per mail) */
	POSTERN_CAP_PATH = 1 << 1,		/* needs part paths, not only descriptors */
	POSTERN_CAP_NETWORK = 1 << 2,		/* may use postern_conn_* */
	POSTERN_CAP_EXEC = 1 << 3,		/* may use postern_run */
	POSTERN_CAP_HOSTILE_PARSER = 1 << 4,	/* takes content apart in process: runs only in the jailed opener */
	POSTERN_CAP_CACHEABLE = 1 << 5,		/* a result may be reused for equal bytes; this version reuses none */
	POSTERN_CAP_MAIN_THREAD = 1 << 6	/* is called on the process's main thread only, while others have threads of their own */
};

/* ---- options: the host fills the plugin's own struct from this table ---- */

enum postern_type {
	POSTERN_BOOL,		/* bool */
	POSTERN_INT,		/* int64_t */
	POSTERN_SIZE,		/* int64_t, bytes; "25M" */
	POSTERN_DURATION,	/* int64_t, milliseconds; "30s", a bare number counts seconds */
	POSTERN_STRING,		/* const char * */
	POSTERN_FILE,		/* const char *, an absolute path */
	POSTERN_ENDPOINT,	/* const char *, "/path", "host:port", "[v6]:port" */
	POSTERN_STRINGS,	/* struct postern_strings; one string counts as a list of one */
	POSTERN_INTS,		/* struct postern_ints */
	POSTERN_REGEX,		/* struct postern_regex *, PCRE2 */
	POSTERN_MATCH,		/* struct postern_match: a list of exit codes or a regexp ("clean", "infected") */
	POSTERN_ENUM,		/* const char *, one of `choices` */
	POSTERN_ENDPOINTS	/* struct postern_strings, each an endpoint */
};
enum {
	POSTERN_REQUIRED = 1 << 0,
	POSTERN_SECRET = 1 << 1,
	POSTERN_POSITIONAL = 1 << 2,	/* the constructor's unnamed argument */
	POSTERN_PROGRAM = 1 << 3	/* names a program, or a list of which one is enough: without it the instance is left out, with one warning */
};

struct postern_strings { size_t count; const char *const *v; };
struct postern_ints { size_t count; const int64_t *v; };
struct postern_regex;
/* Regular expressions are compiled multi-line: ^ and $ match at every line of a scanner's output. */
struct postern_match { struct postern_ints codes; struct postern_regex *regex; bool given; };

struct postern_option {
	const char *name;
	enum postern_type type;
	size_t offset;			/* offsetof(struct my_options, field) */
	const char *value;		/* default, as text ("30s", "/run/x"; lists "0,1"; POSTERN_MATCH "0,1" or "/regexp"); NULL: none */
	int64_t min, max;		/* numbers; both 0: no bounds */
	unsigned flags;
	const char *choices;		/* POSTERN_ENUM: "a|b|c" */
	const char *doc;		/* one line */
};
/* The table ends with an entry whose name is NULL. Every instance also takes name, timeout, on_error, max_size and probe_interval. */

/* ---- opaque objects ---- */

struct postern_instance;	/* one configured use of the plugin */
struct postern_call;		/* one call of it: deadline, memory, blame */
struct postern_program;		/* what a decoder wants to be started */
struct postern_mail;		/* read-only view of the mail in hand */
struct postern_part;		/* read-only view of one part of it */
struct postern_conn;		/* a connection to a peer */
struct postern_delivery;	/* one mail to be put somewhere */
struct postern_error;		/* what check and load complain into */

/* ---- roles ---- */

struct postern_scanner_ops {
	size_t size;
	/* Whole mail: once per mail. Report with postern_found(). */
	enum postern_result (*scan)(struct postern_call *, const struct postern_mail *);
	/* One part (POSTERN_CAP_PER_PART). With keep-alive peers the connection is the instance's state. */
	enum postern_result (*scan_part)(struct postern_call *, const struct postern_part *);
	/* Ask the engine for its version and database: postern_set_version(). Called at start, by checks, and to see whether it
	 * answers after it did not: OK means that it does, NOTHING that this does not tell. */
	enum postern_result (*version)(struct postern_call *);
	/* Before the first and after the last scan_part of one mail; either may be NULL. */
	enum postern_result (*begin)(struct postern_call *, const struct postern_mail *);
	enum postern_result (*end)(struct postern_call *, const struct postern_mail *);
};

/* A decoder makes child parts of one part; what it makes is opened in turn, so it takes off one layer only.
 *   OK       all of it was opened (members that are encrypted or damaged are marked so); it may hold nothing
 *   NOTHING  not my format: the next decoder of this type is tried
 *   LIMIT    it grew over a limit: what was opened is kept, the mail is over limits (the host says so too: false from postern_child_*)
 *   BROKEN   it cannot be understood, or not as a whole: the next decoder of this type is tried, else the part is undecipherable
 *   TEMPFAIL this machine lacks something: the mail is tried again later
 * Declares POSTERN_CAP_HOSTILE_PARSER. In loops that neither read nor write much: postern_may_go_on(). */
struct postern_decoder_ops {
	size_t size;
	const char *types;		/* short types it takes, "zip|jar"; "embedded": any file within which the mark of an archive stands.
					 * html, pdf, ics and vcf: also what is declared to be that, or called so, whatever is in it */
	enum postern_result (*decode)(struct postern_call *, const struct postern_part *);	/* postern_child_*() */
	/* Types of this instance, where its options say them; NULL: `types`. */
	const char *(*types_of)(const struct postern_instance *);
	/* A decoder by program: what decode() has started with postern_unpack(). Called in the worker: look at the options only. */
	enum postern_result (*program)(struct postern_call *, const char *password, struct postern_program *out);
};

/* A program that takes a part apart, in a jail of its own: it sees the part, an empty folder to stand in, and what it is linked with.
 * It has no network and makes no other process. Lists end with NULL; everything is copied. */
struct postern_program {
	const char *const *argv;	/* [0]: absolute, or looked up in the setting `path`; "{}" in a word becomes the part's path;
					 * where no word has it the part is on standard input */
	const char *suffix;		/* of the name under which it finds the part, ".arj"; NULL: none */
	bool output_is_content;		/* one content comes out, on standard output (else files, in its folder) */
	const char *const *reads;	/* files and folders that it needs besides; NULL: none */
	int64_t memory_bytes;		/* of its address space; 0: no limit */
	int threads;			/* beside its first */
};

struct postern_score_ops {
	size_t size;
	enum postern_result (*score)(struct postern_call *, const struct postern_mail *);	/* postern_add_score() */
};

enum postern_keys {
	POSTERN_KEYS_SEARCH = 0,	/* the whole search order: forms of an address, its domain and parents, "."; "192.0.2.3", "192.0.2" ... */
	POSTERN_KEYS_ASKED		/* only what was asked itself: the address as written, the client's address, the names */
};

/* What load() reads and the host asks, as if it stood in the configuration. */
enum postern_table_kind {
	POSTERN_TABLE_NONE = 0,		/* lookup() is called */
	POSTERN_TABLE_HASH,		/* keys and values */
	POSTERN_TABLE_LIST,		/* an access list: the first item that matches decides, "!" is no */
	POSTERN_TABLE_RULES,		/* regular expressions in order */
	POSTERN_TABLE_NETWORKS		/* networks in order */
};

struct postern_lookup_ops {
	size_t size;
	/* keys: most specific first; answer with postern_lookup_answer(). POSTERN_NOTHING: none of them is known. "$1" ... "$5" in an answer
	 * to POSTERN_KEYS_SEARCH are replaced by the host with the pieces of the address. */
	enum postern_result (*lookup)(struct postern_call *, const char *const *keys, size_t count);
	/* Every record of these keys, most specific first: postern_row() for each. NULL: one value a key.
	 * A field without a name ("") is the key that the record was found by; several fields of one name are several values. */
	enum postern_result (*rows)(struct postern_call *, const char *const *keys, size_t count);
	enum postern_keys keys;
	enum postern_table_kind table;	/* lookup may be NULL unless this is POSTERN_TABLE_NONE */
	/* Is what is to be asked there, and does it know what it will be asked for? For `posternd -tt`; postern_set_output() tells people. */
	enum postern_result (*probe)(struct postern_call *);
	/* Does anybody answer at all? Asked within two seconds after a lookup came to nothing: POSTERN_OK, or POSTERN_BROKEN, is an answer.
	 * For POSTERN_CAP_NETWORK. */
	enum postern_result (*ping)(struct postern_call *);
};

struct postern_delivery_ops {
	size_t size;
	/* Put the mail where the method says; answer with postern_delivered(). */
	enum postern_result (*deliver)(struct postern_call *, struct postern_delivery *);
};

struct postern_report_ops {
	size_t size;
	enum postern_result (*report)(struct postern_call *, const struct postern_mail *, const char *json);
};

/* text NULL: SQL's NULL. octets: bound as bytes (BLOB, VARBINARY, bytea), else as text. */
struct postern_parameter { const char *text; size_t size; bool octets; };

struct postern_database_ops {
	size_t size;
	/* One statement whose parameters stand as "?" in it, whatever the database calls them.  What it yields goes to
	 * postern_columns() once and to postern_record() row by row; what it changed to postern_executed().
	 * TEMPFAIL: the server cannot be asked now; BROKEN: it was, and says that the statement is wrong; NOTHING: not done, a row
	 * with that key is there already. */
	enum postern_result (*execute)(struct postern_call *, const char *statement, const struct postern_parameter *parameters, size_t count);
	/* Is there a server that would answer?  Connects where no connection is kept; nothing of a mail is needed for it. */
	enum postern_result (*ping)(struct postern_call *);
};

struct postern_plugin {
	uint32_t abi_major, abi_minor;
	size_t size;			/* sizeof(struct postern_plugin) */
	const char *name;		/* constructor in the configuration, scheme of a delivery */
	const char *version;
	const char *doc;		/* one line */
	uint32_t roles;			/* enum postern_role */
	uint32_t capabilities;		/* enum postern_capability */
	const struct postern_option *options;
	size_t options_size;		/* sizeof(struct my_options) */
	enum postern_result (*check)(struct postern_instance *, struct postern_error *);
	enum postern_result (*load)(struct postern_instance *, struct postern_error *);
	enum postern_result (*start)(struct postern_instance *, struct postern_error *);
	void (*idle)(struct postern_instance *);
	void (*stop)(struct postern_instance *);
	/* Templates, every plugin_check_interval: what load() read has changed on disk. NULL: the host looks at the files that load()
	 * read by postern_read_lines() or named to postern_watch_file(). */
	bool (*changed)(struct postern_instance *);
	const struct postern_scanner_ops *scanner;
	const struct postern_decoder_ops *decoder;
	const struct postern_score_ops *score;
	const struct postern_lookup_ops *lookup;
	const struct postern_delivery_ops *delivery;
	const struct postern_report_ops *report;
	const struct postern_database_ops *database;
};

#define POSTERN_PLUGIN_HEAD \
	.abi_major = POSTERN_ABI_MAJOR, .abi_minor = POSTERN_ABI_MINOR, .size = sizeof(struct postern_plugin)

/* ---- what the host offers ---- */

/* Instance */
const void *postern_options(const struct postern_instance *);		/* the plugin's filled option struct */
void **postern_state(struct postern_instance *);			/* the plugin's own pointer, NULL at first */
const char *postern_instance_name(const struct postern_instance *);	/* "clamd", "clamd/2" */
const char *postern_work_folder(const struct postern_instance *);	/* opener: its scratch folder (temporary files); else NULL */
enum postern_result postern_complain(struct postern_error *, enum postern_result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Call */
struct postern_instance *postern_call_instance(struct postern_call *);
int postern_time_left_ms(struct postern_call *);			/* 0: over */
void *postern_alloc(struct postern_call *, size_t);			/* zeroed; goes with the call, in scan_part() with the part */
char *postern_printf(struct postern_call *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Say why the call fails, and return `result`. */
enum postern_result postern_fail(struct postern_call *, enum postern_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Levels: -1 warning, 0 notice, 1-2 information, 3-5 debugging. */
void postern_log(struct postern_call *, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Findings. part NULL: the whole mail. */
void postern_found(struct postern_call *, const struct postern_part *part, const char *malware_name);
void postern_set_version(struct postern_call *, const char *text);	/* "ClamAV 1.0.9/27432/Thu ..." */
void postern_set_output(struct postern_call *, const char *text, size_t n);	/* the scanner's own words, for logs and macro %v */
void postern_add_score(struct postern_call *, const char *test, double points);

/* Mail */
const char *postern_mail_log_id(const struct postern_mail *);
const char *postern_mail_sender(const struct postern_mail *);
size_t postern_mail_recipient_count(const struct postern_mail *);
const char *postern_mail_recipient(const struct postern_mail *, size_t i);
int64_t postern_mail_size(const struct postern_mail *);
int postern_mail_fd(const struct postern_mail *);			/* read with pread(2) only; never closed by the plugin */
size_t postern_mail_part_count(const struct postern_mail *);		/* parts with content that scanners get */
const struct postern_part *postern_mail_part(const struct postern_mail *, size_t i);
const char *postern_mail_folder(const struct postern_mail *);		/* POSTERN_CAP_PATH: the folder that holds the parts */

/* Part */
unsigned postern_part_number(const struct postern_part *);
int64_t postern_part_size(const struct postern_part *);
int postern_part_fd(struct postern_call *, const struct postern_part *);	/* opened read-only; closed with the call; -1 */
const char *postern_part_path(struct postern_call *, const struct postern_part *);	/* POSTERN_CAP_PATH; else NULL */
const char *postern_part_mime_type(const struct postern_part *);
const char *postern_part_type(const struct postern_part *);		/* short type: "exe", "zip" */
const char *postern_part_name(const struct postern_part *);		/* first declared name, or NULL */
const char *postern_part_placement(const struct postern_part *);	/* "1/2/3" */
const char *postern_part_full_type(const struct postern_part *);	/* one line: "PE32 executable (GUI) ..." */
size_t postern_part_name_count(const struct postern_part *);		/* all that were declared */
const char *postern_part_name_at(const struct postern_part *, size_t i);
/* All of its bytes, mapped read-only until the call ends; NULL: postern_fail text is set. An empty part has some address and *n 0. */
const void *postern_part_data(struct postern_call *, const struct postern_part *, size_t *n);

/* Connections (POSTERN_CAP_NETWORK). Opened under the call's deadline; closed with the call unless kept. */
struct postern_conn *postern_conn_open(struct postern_call *, const char *endpoint);	/* NULL: postern_fail text is set */
bool postern_conn_is_local(const struct postern_conn *);		/* a unix socket: descriptors may be passed */
int postern_conn_write(struct postern_call *, struct postern_conn *, const void *, size_t);	/* all or -1 */
int postern_conn_write_fd(struct postern_call *, struct postern_conn *, const void *, size_t, int fd);	/* SCM_RIGHTS with the bytes */
/* A reply up to `delimiter` (not included), at most max bytes; NUL-terminated, memory of the call; NULL: failed or end of file. */
char *postern_conn_read_until(struct postern_call *, struct postern_conn *, char delimiter, size_t max, size_t *length);
ssize_t postern_conn_read(struct postern_call *, struct postern_conn *, void *, size_t);	/* 0: end of file; -1 */
bool postern_conn_readable(struct postern_conn *);	/* something (or end of file) waits to be read: asked between the pieces of a long write */
char *postern_conn_read_all(struct postern_call *, struct postern_conn *, size_t max, size_t *length);
/* Keep the connection for the next call of this instance (one per instance), or take the kept one (NULL: none, or its peer closed it). */
void postern_conn_keep(struct postern_call *, struct postern_conn *);
struct postern_conn *postern_conn_kept(struct postern_call *);
void postern_conn_close(struct postern_call *, struct postern_conn *);
/* For libraries that speak for themselves but must not resolve and connect without a deadline: a connected descriptor, non-blocking, that is
 * the plugin's own to close. local_address: numeric, NULL: any; timeout_ms: at most so long, 0: the call's time. -1: postern_fail text is set. */
int postern_connect(struct postern_call *, const char *endpoint, const char *local_address, int timeout_ms);

/* For libraries with sockets of their own (POSTERN_CAP_NETWORK).  Wait until poll(2)'s `events` hold on fd: what holds; 0: the time
 * (timeout_ms < 0: only the call's; 0: only look) is over; -1: the mail is no longer wanted (errno ECANCELED), or errno.  fd -1: only
 * whether it is wanted.  Only a time that is over because the call's is sets postern_fail's text. */
int postern_wait(struct postern_call *, int fd, short events, int timeout_ms);
/* The addresses of a host as numbers, NULL-terminated, under the call's deadline (a library's own resolver has none); NULL: postern_fail text is set. */
const char *const *postern_resolve(struct postern_call *, const char *host);

/* Programs (POSTERN_CAP_EXEC): an argument vector, an empty environment, no shell. */
struct postern_run_result { int exit_code; int signal; bool output_cut; const char *output; size_t output_size; };
/* program: absolute, or looked up in the setting `path`. -1: could not run or time over (postern_fail text is set). */
int postern_run(struct postern_call *, const char *const argv[], int stdin_fd, const char *folder, size_t output_max,
	struct postern_run_result *out);

/* Is there such a program? Its absolute path (valid until the instance is gone), or NULL. For start(). */
const char *postern_find_program(struct postern_instance *, const char *program);

/* Regular expressions of the option table. */
bool postern_regex_match(const struct postern_regex *, const char *text, size_t n);
/* All matches of capture 1 (or of the whole where there is none): calls back for each; returns how many. */
size_t postern_regex_each(struct postern_call *, const struct postern_regex *, const char *text, size_t n,
	void (*each)(struct postern_call *, const char *match, void *context), void *context);
/* POSTERN_MATCH: exit code in the list, or regexp in the output. */
bool postern_match(const struct postern_match *, int exit_code, const char *output, size_t n);

/* Decoders. Each bool: false: over a limit (parts, bytes, time): stop and return POSTERN_LIMIT.
 * One child at a time: begin, any of the others, end; a child that is not ended is marked U. Names are recorded and never used as
 * such: give them as they are, path and all. Attribute letters: U undecipherable, C encrypted, B ambiguous, D directory, S special
 * file, L link, M macros, X macros that run by themselves, K was encrypted and a word of the mail opened it. */
bool postern_child_begin(struct postern_call *, const char *name);	/* NULL: it has no name */
bool postern_child_write(struct postern_call *, const void *, size_t);
bool postern_child_end(struct postern_call *);
void postern_child_name(struct postern_call *, const char *name);	/* another name of it */
void postern_child_mime_type(struct postern_call *, const char *mime_type);	/* a type that the container declares */
void postern_child_attribute(struct postern_call *, char letter);
void postern_part_attribute(struct postern_call *, char letter);	/* of the part in hand */
/* Scanners are to get the part in hand, too: the children do not tell all of it. (Else an archive that was opened is spared them.) */
void postern_part_keep(struct postern_call *);
bool postern_may_go_on(struct postern_call *);
/* Words of the mail's text that may be passwords, the likeliest first; NULL: no more, or not allowed. */
const char *postern_password(struct postern_call *, size_t i);

/* Decoders by program. The worker starts what .program says; the call waits. OK: it has ended, *out says how. BROKEN, TEMPFAIL: it was
 * not started, postern_fail text is set: return that. password: NULL or printable ASCII, goes to .program. */
struct postern_unpacked {
	int exit_code, signal;		/* -1 and a signal, or a code and 0 */
	bool stopped;			/* it was ended, over a limit or out of time: postern_fail text is set */
	const char *said;		/* the end of its output that is no content */
	size_t said_size;
};
enum postern_result postern_unpack(struct postern_call *, const struct postern_part *, const char *password, struct postern_unpacked *out);
bool postern_unpacked_files(struct postern_call *, size_t *count);	/* every file that it made becomes a child, and goes */
bool postern_unpacked_content(struct postern_call *);	/* its standard output becomes the content of the child that was begun */

/* Lookups, databases */
void postern_lookup_answer(struct postern_call *, const char *key, const char *value);
void postern_row(struct postern_call *, const char *const *names, const char *const *values, size_t count);
/* Databases: the names of a statement's columns, also where there will be no row; then each row with the sizes of its values (value NULL:
 * SQL's NULL).  The bytes are copied.  False: more than whoever asked can take; leave the rest and return POSTERN_LIMIT. */
void postern_columns(struct postern_call *, const char *const *names, size_t count);
bool postern_record(struct postern_call *, const char *const *values, const size_t *sizes, size_t count);
void postern_executed(struct postern_call *, int64_t affected_rows, int64_t insert_id);	/* insert_id 0: none */

/* Tables, in load() only. Files: owned by root or the daemon's user, not world-writable, up to 256 MiB. */
struct postern_table_line {
	unsigned line;		/* in the file that is being read */
	unsigned flags;
	/* The key, the item, the regular expression, the network; NULL with POSTERN_LINE_IF: never true.  The host takes the quotes off a
	 * key's local part and makes it lower case. */
	const char *key;
	const char *letters;	/* rules: flags of the regular expression, some of "imnsux", and "A" anchored, "D" $ at the very end only, "U" ungreedy */
	const char *value;	/* the result, rules: with "$1" ... for captures and "$$" for a dollar; NULL: "1" */
};
enum {
	POSTERN_LINE_NOT = 1 << 0,	/* true when the expression or network does not match */
	POSTERN_LINE_IF = 1 << 1,	/* rules and networks: what follows up to POSTERN_LINE_ENDIF is asked only when this is true */
	POSTERN_LINE_ENDIF = 1 << 2,
	POSTERN_LINE_KEEP_CASE = 1 << 3	/* of a key */
};
/* Texts are copied. */
void postern_table_add(struct postern_instance *, const struct postern_table_line *);
/* Say why a line is left out. At start and by checks a warning with file and line; a changed table with such a line is not taken. */
void postern_table_leave_out(struct postern_instance *, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Logical lines as in Postfix' tables: no empty ones, no comments, blanks cut off at both ends, continued by a blank at the beginning.
 * text may be written into. */
enum postern_result postern_read_lines(struct postern_instance *, const char *file,
	void (*each)(struct postern_instance *, char *text, unsigned line), struct postern_error *);
/* End the first field of such a line, which may hold blanks between double quotes; what follows, "" for nothing. */
char *postern_line_cut(char *text);
/* An open descriptor of a file of another kind, watched from now on; the caller closes it. -1: e is set. */
int postern_watch_file(struct postern_instance *, const char *file, struct postern_error *);

/* Deliveries */
const char *postern_delivery_rest(const struct postern_delivery *);	/* what stands behind "scheme:", macros expanded by postern_delivery_expand */
const char *postern_delivery_target(const struct postern_delivery *);	/* "virus-quarantine" ... the *_quarantine_to of these recipients */
/* %m mail_id, %n log id, %i ISO time, %b body digest, %P partition tag, %s sender, %% */
const char *postern_delivery_expand(struct postern_call *, const struct postern_delivery *, const char *pattern);
const char *postern_delivery_mail_id(const struct postern_delivery *);
const char *postern_delivery_sender(const struct postern_delivery *);
size_t postern_delivery_recipient_count(const struct postern_delivery *);
const char *postern_delivery_recipient(const struct postern_delivery *, size_t i);
/* A site setting by name as text (QUARANTINEDIR, quarantine_subdir_levels), NULL: undef; never one marked secret. */
const char *postern_delivery_setting(struct postern_call *, const struct postern_delivery *, const char *name);
/* The mail with its edits as a stream; lf: line ends LF. 0 at the end, -1 on error. */
ssize_t postern_delivery_read(struct postern_call *, struct postern_delivery *, void *, size_t);
void postern_delivery_use_lf(struct postern_delivery *, bool lf);	/* before the first read; default CRLF */
/* Settled: "250 2.6.0 ..." for all of its recipients; location as logged (a relative path), type: F Z B Q M L or 0. */
void postern_delivered(struct postern_call *, const char *reply, const char *location, char type);

/* The one symbol a plugin exports. */
extern const struct postern_plugin postern_plugin;

#ifdef __cplusplus
}
#endif
#endif
