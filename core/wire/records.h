/* records.h - every record that passes between processes, and nothing else.
 *
 * Each record has a struct here and a pair <name>_write / <name>_read.  Readers
 * return 0 or -1 (bad record) and hang what they allocate on the talloc context
 * `owner` (a failed read may leave some of it there: it goes with its owner).
 * Strings that a struct does not allow to be NULL come out as "" where the
 * writer put NULL.  Counted arrays are NULL when the count is 0.  Who may send what to whom:
 *
 *   worker -> reception   TOKEN (on the shared socket, with one end of a pair)
 *   reception -> worker   JOB (mail fd; envelope within the record, or as a second fd when large), CANCEL
 *   worker -> reception   COMMITTED, RESULT, RETIRING
 *   worker -> opener      OPEN (mail fd); UNPACKED, the answer to each UNPACK; KEEP where the OPEN asks for it; DONE
 *   opener -> worker      HELLO (dir fd); UNPACK where a decoder is a program, UNPACK_STOP while it runs;
 *                         PART..., OPENED, one FINDING for each scanner of the OPEN; EMPTIED
 *   worker -> opener template   OPENER_WANTED (on the shared socket, with one end of a pair)
 *   template -> master    LISTENERS, READY, PROBLEM, DATABASE_CHANGED;   worker template -> reception, opener template  SETTINGS
 *   reception -> master   READY, IDLE;                master -> all  DRAIN;     master -> worker template  LEDGER (its file's fd, if any)
 *   posternctl -> master  CONTROL;                    master -> posternctl  ANSWER
 */
#ifndef POSTERN_WIRE_RECORDS_H
#define POSTERN_WIRE_RECORDS_H

#include "wire/codec.h"

/* The longest strings that readers accept.  Writers cut texts for people (replies, errors, names of malware) to
 * these lengths; an address or a log id is never cut: too long a one makes the record unreadable. */
#define WIRE_LOG_ID_MAX 64
#define WIRE_ADDRESS_MAX 2048
#define WIRE_NAME_MAX 4096
#define WIRE_REPLY_MAX 4096
#define WIRE_TEXT_MAX 65536
#define WIRE_RECIPIENTS_MAX 100000
#define WIRE_PART_NAMES_MAX 32		/* declared names of one part */
#define WIRE_PART_TYPES_MAX 8		/* declared MIME types of one part */
#define WIRE_PASSWORD_MAX 128		/* that a program is given to try */
#define WIRE_PARTS_MAX 20000		/* of one mail, whatever MAXFILES says */
#define WIRE_FINDING_NAMES_MAX 256	/* malware names in one finding */

enum record_kind {
	RECORD_TOKEN = 1, RECORD_JOB, RECORD_CANCEL, RECORD_COMMITTED, RECORD_RESULT,
	RECORD_ENVELOPE,
	RECORD_OPENER_WANTED, RECORD_HELLO, RECORD_OPEN, RECORD_PART, RECORD_FINDING, RECORD_OPENED, RECORD_DONE, RECORD_EMPTIED,
	RECORD_SETTINGS, RECORD_LISTENERS, RECORD_READY, RECORD_PROBLEM, RECORD_DRAIN, RECORD_IDLE, RECORD_DATABASE_CHANGED,
	RECORD_CONTROL, RECORD_ANSWER,
	RECORD_LEDGER,
	RECORD_RETIRING,	/* an idle worker would leave: no job on this token any more, close it; one that is on its way is still done */
	RECORD_KEEP,
	RECORD_UNPACK, RECORD_UNPACK_STOP, RECORD_UNPACKED
};

/* ---- worker <-> reception ---- */

enum token_serves { TOKEN_MAILS = 0, TOKEN_QUESTIONS };	/* the reserved worker takes RCPT jobs only, the others everything else */
struct token { uint32_t slot; uint32_t pid; uint8_t serves; };	/* slot: index of the worker's place in shared memory */
void token_write(struct wire_writer *w, const struct token *t);
int token_read(struct wire_reader *r, struct token *t);

enum job_kind { JOB_MAIL = 1, JOB_RCPT, JOB_SCAN, JOB_EXPLAIN, JOB_RELEASE, JOB_QUARANTINE, JOB_FILTER };

/* Comes with two descriptors, the mail and its envelope; or with the mail's only, and the envelope within, where that is no
 * larger than this: making a memfd costs as much as some forty other system calls.  RCPT and EXPLAIN are about no mail: theirs is
 * missing.  SCAN: one more, to write the answer to. */
#define WIRE_ENVELOPE_WITHIN_MAX 4096
#define WIRE_JOB_MAX (WIRE_ENVELOPE_WITHIN_MAX + 512)	/* bytes of the whole record */

struct job {
	uint8_t kind;			/* enum job_kind */
	uint64_t size_bytes;		/* of the mail */
	int64_t deadline_ms;		/* CLOCK_MONOTONIC */
	const char *log_id;
	uint32_t owner_pid;		/* the reception that answers for this mail: owner of its entries in the delivered ledger */
	const void *envelope;		/* a record of its own; job_read: within the bytes that are read */
	size_t envelope_bytes;		/* 0: it is in the second descriptor */
};
void job_write(struct wire_writer *w, const struct job *j);
int job_read(struct wire_reader *r, void *owner, struct job *j);

/* DSN NOTIFY flags (RFC 3461) */
enum { NOTIFY_UNSET = 0, NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

struct envelope_recipient {
	const char *address;		/* as given between < and >, RFC 5321 form, quoting kept; UTF-8 when SMTPUTF8 */
	const char *orcpt;		/* ORCPT= value as given (xtext) or NULL */
	uint8_t notify;
};

/* What a client said of itself, or what XFORWARD said; NULL: not said or [UNAVAILABLE]. */
struct envelope_client {
	const char *address;		/* textual IP without brackets or IPv6: prefix */
	const char *port, *name, *helo, *protocol, *source, *ident;
};

struct envelope {
	const char *log_id;
	const char *sender;		/* "" is the null sender; RFC 5321 form, quoting kept */
	const char *protocol;		/* "SMTP", "ESMTP", "LMTP" (what the session spoke) */
	const char *socket_text;	/* where it came in, the session's own end: "127.0.0.1:10024", "[::1]:10024", "/path" */
	const char *listener_text;	/* its listener as written, where that is another text: "0.0.0.0:10024", "localhost:10024"; else NULL */
	const char *peer_address;	/* the connecting MTA's IP; NULL on unix sockets */
	struct envelope_client client;	/* XFORWARD where given, else NULLs (peer_address stands for it) */
	const char *helo;		/* as the peer said in HELO/EHLO/LHLO */
	const char *ret, *envid, *auth;	/* MAIL parameters as given, or NULL */
	uint8_t body_8bitmime;		/* 0 none given, 1 7BIT, 2 8BITMIME */
	uint8_t smtputf8;
	int64_t received_wall_us;	/* when the last byte came */
	int64_t declared_size;		/* SIZE=, -1 when absent */
	uint8_t had_bare_cr_or_lf;	/* normalised on the way in */
	uint32_t recipient_count;
	struct envelope_recipient *recipients;
};
void envelope_write(struct wire_writer *w, const struct envelope *e);
int envelope_read(struct wire_reader *r, void *owner, struct envelope *e);

/* Next hop has taken these recipients; sent before anything else is done. */
struct committed { uint32_t count; uint32_t *recipients; const char *reply; };
void committed_write(struct wire_writer *w, const struct committed *c);
int committed_read(struct wire_reader *r, void *owner, struct committed *c);

struct result {
	uint32_t recipient_count;	/* must equal the envelope's */
	const char **replies;		/* "250 2.0.0 from MTA(...): 250 2.0.0 Ok: queued as X", one per recipient (LMTP) */
	const char *reply;		/* the one reply for all (SMTP); RCPT: what speaks against the recipient, "" nothing */
	uint8_t leaving;		/* the worker takes no further job on this token */
	const char *answer;		/* SCAN, EXPLAIN: exit code, line end, what posternctl prints; cut at WIRE_TEXT_MAX */
};
void result_write(struct wire_writer *w, const struct result *res);
int result_read(struct wire_reader *r, void *owner, struct result *res);

/* ---- worker <-> opener (what the opener says is hostile) ---- */

struct hello {
	uint32_t pid;
	uint8_t seccomp, landlock_abi;	/* 0: not in force */
	uint64_t memory_limit_bytes;	/* 0: none */
	const char *scratch;		/* name of its scratch folder below TEMPBASE */
};
void hello_write(struct wire_writer *w, const struct hello *h);
int hello_read(struct wire_reader *r, void *owner, struct hello *h);

struct open_order {
	const char *log_id;
	uint64_t size_bytes;
	int64_t deadline_ms;
	uint8_t scan;			/* run the opener's scanners */
	uint8_t first_infected_stops;
	uint8_t keep_mail;		/* keep_decoded_original_maps says MAIL */
	uint8_t keep_parts;		/* until DONE: the worker reads them too; else they go with the last FINDING */
	uint8_t bare_file;		/* no mail, but a content by itself: it is the only part at the top */
	uint8_t asks_keep;		/* a KEEP follows where OPENED says that parts are spared: the scanners wait for it */
	uint64_t max_files, max_levels, quota_bytes;	/* 0: none */
	uint32_t cpu_ms;		/* of the process, for the whole mail: its death */
	uint32_t decoding_ms, decoding_cpu_ms;	/* decoders of one mail, together; 0: none */
	uint32_t decoder_ms, decoder_cpu_ms;	/* one decoder with one part; 0: none */
	uint32_t password_words;	/* words of the mail that are tried as passwords */
	const char *digest;		/* algorithm of the parts' digests, "" for none */
	uint32_t decoder_count;
	uint32_t *decoders;		/* instance numbers to try, in order (as in SETTINGS) */
	uint32_t scanner_count;
	uint32_t *scanners;		/* instance numbers to run, in order (as in SETTINGS) */
};
void open_order_write(struct wire_writer *w, const struct open_order *o);
int open_order_read(struct wire_reader *r, void *owner, struct open_order *o);

/* Attributes of a part: amavisd-new's letters, then our own.  The order is that of PART_ATTRIBUTE_LETTERS. */
enum part_attribute {
	PART_UNDECODABLE = 1 << 0 /* U */, PART_CRYPTED = 1 << 1 /* C */, PART_AMBIGUOUS = 1 << 2 /* B */,
	PART_DIRECTORY = 1 << 3 /* D */, PART_SPECIAL = 1 << 4 /* S */, PART_LINK = 1 << 5 /* L */,
	PART_MACRO = 1 << 6 /* M: holds macros or scripts */, PART_AUTOEXEC = 1 << 7 /* X: that run when it is opened */,
	PART_KEY_FOUND = 1 << 8 /* K: was encrypted, and opened with a word of the mail */,
	PART_SPARED = 1 << 9 /* O: opened as a whole, its children stand for it before scanners */
};
#define PART_ATTRIBUTE_LETTERS "UCBDSLMXKO"
#define PART_ATTRIBUTES_ALL 0x3FF

struct part_record {
	uint32_t number;		/* file p%03u below the scratch folder when has_file; parts are sent parents first, numbers rise */
	uint32_t parent;		/* number of the parent, 0: top */
	uint32_t index_in_parent;	/* from 1 */
	uint8_t has_file;
	uint16_t attributes;		/* enum part_attribute */
	uint64_t size_bytes;
	uint32_t mime_type_count;
	const char **mime_types;	/* declared, "type/subtype" lower case; the first is the one that most readers take */
	const char *digest;		/* of the content, lower case hexadecimal; NULL: none asked for, or no content */
	const char *decoder;		/* the instance that opened it, NULL: none */
	const char *note;		/* why it was not opened, or not as a whole; NULL */
	const char *type_short;		/* "exe", "zip" ... amavisd-new's short types, several joined by ',' */
	const char *type_full;		/* one line */
	uint32_t name_count;
	const char **names;		/* declared names, decoded and raw readings, UTF-8 where it was; too long a name is
					 * shortened in its middle, too many are left out, and both set PART_AMBIGUOUS */
};
void part_record_write(struct wire_writer *w, const struct part_record *p);
int part_record_read(struct wire_reader *r, void *owner, struct part_record *p);

struct finding_record {
	uint32_t scanner;		/* instance number */
	uint32_t part;			/* number, 0: whole mail */
	uint8_t outcome;		/* enum postern_result of the whole call */
	uint32_t elapsed_us;
	const char *version;		/* engine and database, may be NULL */
	const char *error;		/* when outcome is not OK */
	uint32_t name_count;
	const char **names;		/* malware names; none and outcome OK: nothing found */
	uint32_t *parts;		/* part of each name */
};
void finding_record_write(struct wire_writer *w, const struct finding_record *f);
int finding_record_read(struct wire_reader *r, void *owner, struct finding_record *f);

enum opened_outcome { OPENED_OK = 1, OPENED_LIMIT, OPENED_BROKEN, OPENED_ENVIRONMENT /* no space, files or memory: not the mail's fault */ };
struct opened {
	uint8_t outcome;		/* enum opened_outcome */
	uint32_t part_count;		/* PART records sent */
	uint32_t spared_count;		/* of them, those with PART_SPARED */
	uint8_t undecipherable, crypted, ambiguous, mail_kept;
	uint8_t unopened;		/* some of what is undecipherable holds other files, or came out of such */
	const char *hold;		/* what limit was hit, for X-Amavis-Hold; NULL */
	const char *mime_error;		/* for the bad-header test 'mime'; NULL */
	uint32_t cpu_us;
};
void opened_write(struct wire_writer *w, const struct opened *o);
int opened_read(struct wire_reader *r, void *owner, struct opened *o);

/* Which spared parts the scanners of the opener are to get all the same. */
struct keep_record { uint32_t count; uint32_t *parts; };
void keep_record_write(struct wire_writer *w, const struct keep_record *k);
int keep_record_read(struct wire_reader *r, void *owner, struct keep_record *k);

/* A program is to take a part apart. The worker knows which program that is: the opener only names the instance. */
struct unpack_record {
	uint32_t decoder;		/* instance number, one of the OPEN's */
	uint32_t part;			/* number: its file is p%03u */
	const char *password;		/* to be tried; "": none */
};
void unpack_record_write(struct wire_writer *w, const struct unpack_record *u);
int unpack_record_read(struct wire_reader *r, void *owner, struct unpack_record *u);

/* How it went. The program has ended; what it made lies below WIRE_UNPACK_FOLDER in the scratch folder. */
#define WIRE_UNPACK_FOLDER "unpack"	/* "out/files": where it stood; "out/content": its standard output where that is a content; "out/said": its words */
enum unpacked_outcome {
	UNPACKED_ENDED = 1,		/* by itself: exit_code or signal */
	UNPACKED_STOPPED,		/* it was killed: UNPACK_STOP, or out of time */
	UNPACKED_NOT_STARTED,		/* no such program, or a jail that it cannot enter */
	UNPACKED_ENVIRONMENT		/* this machine lacks something for now: space, processes */
};
struct unpacked_record {
	uint8_t outcome;		/* enum unpacked_outcome */
	uint32_t exit_code, signal;
	uint64_t cpu_us;
	const char *error;		/* NULL where it ended by itself */
};
void unpacked_record_write(struct wire_writer *w, const struct unpacked_record *u);
int unpacked_record_read(struct wire_reader *r, void *owner, struct unpacked_record *u);

/* ---- templates, reception, master ---- */

/* Settings as records: name/value pairs of text, never one marked secret; lists repeat the name in order. */
struct setting_pair { const char *name, *value; };
struct settings_record { uint32_t count; struct setting_pair *pairs; };
void settings_record_write(struct wire_writer *w, const struct settings_record *s);
int settings_record_read(struct wire_reader *r, void *owner, struct settings_record *s);
const char *settings_record_get(const struct settings_record *s, const char *name);	/* first, or NULL */
int64_t settings_record_int(const struct settings_record *s, const char *name, int64_t otherwise);

/* Records that carry only text, cut at WIRE_TEXT_MAX: PROBLEM (an error text, lines), READY, CONTROL (a command), ANSWER,
 * LISTENERS, DATABASE_CHANGED; and those that need none (NULL or ""): CANCEL, DONE, EMPTIED, UNPACK_STOP, OPENER_WANTED, DRAIN, IDLE,
 * LEDGER. */
void text_record_write(struct wire_writer *w, enum record_kind kind, const char *text);
char *text_record_read(struct wire_reader *r, void *owner);	/* "" for none; NULL: bad, or a kind that has fields */

#endif
