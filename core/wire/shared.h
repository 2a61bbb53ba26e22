/* shared.h - the memory that the master makes once (memfd) and every process but openers maps.
 *
 * Fixed slots, C11 atomics, no locks, a layout version.  It outlives every
 * generation: breakers, dead next hops, the two ledgers, counters, who does
 * what.  Nothing here is a secret and nothing is a pointer. */
#ifndef POSTERN_WIRE_SHARED_H
#define POSTERN_WIRE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARED_LAYOUT 4
#define SHARED_WORKERS 1024		/* even generations use the first half, odd ones the second */
#define SHARED_RECEPTIONS 16
#define SHARED_NEXT_HOPS 64
#define SHARED_INSTANCES 128
#define SHARED_DELIVERED 65536
#define SHARED_POISON 4096
#define DELIVERED_AGE_MS (6 * 3600 * 1000LL)
#define POISON_AGE_MS (24 * 3600 * 1000LL)

/* Counters shown by `posternctl status`. X(id, "name") */
#define SHARED_COUNTERS(X) \
	X(COUNT_CONNECTIONS, "connections") \
	X(COUNT_CONNECTIONS_REFUSED, "connections-refused") \
	X(COUNT_MAILS, "mails") \
	X(COUNT_BYTES, "bytes") \
	X(COUNT_RECIPIENTS, "recipients") \
	X(COUNT_PASSED, "mails-passed") \
	X(COUNT_BLOCKED, "mails-blocked") \
	X(COUNT_TEMPFAILED, "mails-tempfailed") \
	X(COUNT_INFECTED, "mails-infected") \
	X(COUNT_UNCHECKED, "mails-unchecked") \
	X(COUNT_QUARANTINED, "mails-quarantined") \
	X(COUNT_CANCELLED, "mails-cancelled") \
	X(COUNT_QUEUE_FULL, "queue-full") \
	X(COUNT_WORK_AREA_FULL, "work-area-full") \
	X(COUNT_WORKER_DEATHS, "worker-deaths") \
	X(COUNT_OPENER_DEATHS, "opener-deaths") \
	X(COUNT_RECEPTION_DEATHS, "reception-deaths") \
	X(COUNT_TEMPLATE_DEATHS, "template-deaths") \
	X(COUNT_POISONED, "mails-poisoned") \
	X(COUNT_DELIVERED_NOTED, "delivered-noted") \
	X(COUNT_DELIVERED_SKIPPED, "delivered-skipped") \
	X(COUNT_RELOADS, "reloads") \
	X(COUNT_RELOADS_FAILED, "reloads-failed") \
	X(COUNT_SCANS, "scans") \
	X(COUNT_SCANS_FAILED, "scans-failed") \
	X(COUNT_BREAKERS_OPENED, "breakers-opened") \
	X(COUNT_BREAKERS_CLOSED, "breakers-closed")
enum shared_counter {
#define X(id, name) id,
	SHARED_COUNTERS(X)
#undef X
	COUNT_OF_COUNTERS
};
const char *shared_counter_name(enum shared_counter c);

enum worker_stage {
	STAGE_FREE = 0, STAGE_STARTING, STAGE_RESERVED /* idle, for RCPT jobs only */, STAGE_IDLE, STAGE_SETTLE, STAGE_OPEN, STAGE_CHECK, STAGE_JUDGE, STAGE_ACT, STAGE_DELIVER, STAGE_ANSWER
};
const char *worker_stage_name(enum worker_stage s);

struct shared_worker {
	_Atomic uint32_t pid;		/* 0: slot free */
	_Atomic uint32_t opener_pid;	/* 0: none yet */
	_Atomic uint32_t generation;
	_Atomic uint32_t stage;		/* enum worker_stage */
	_Atomic int64_t stage_since_ms;
	_Atomic uint64_t mails;
	char log_id[32];		/* of the mail in hand; written before stage leaves IDLE */
	unsigned char digest[16];	/* of the mail in hand (below its topmost Received field) with its sender; zero: not known yet */
	_Atomic uint32_t owner_pid;	/* the reception that the mail in hand came from */
	_Atomic uint32_t abandoned;	/* set by it: the mail's client has gone */
	_Atomic uint64_t asking[SHARED_INSTANCES / 64];	/* plugin instances that have a call now, by number of their slot; plugin/blame.c */
	_Atomic uint32_t blamed;	/* a death over the mail in hand is in the poison ledger already: once per try is enough */
};

/* What one reception holds now.  One that is killed cannot give it back: whoever reaps it empties its place. */
struct shared_reception {
	_Atomic uint32_t pid;		/* 0: place free */
	_Atomic uint32_t connections, waiting;
	_Atomic uint64_t work_area_bytes;	/* spooled */
};

/* Keys of both ledgers: the first 16 bytes of SHA-256. */
struct ledger_key { unsigned char bytes[16]; };

/* A slot of either ledger.  The word holds, from the low end: 2 bits state, 30 bits generation (one more at every claim,
 * so that a compare-exchange never mistakes one entry for another that took its slot), 32 bits value: the owner of a
 * delivered entry, the deaths of a poison entry, or the second at which a BUSY slot was claimed (a process may die there:
 * such a slot is free again after some seconds).  Only wire/ledger_slots.c takes words apart. */
enum delivered_state { DELIVERED_FREE = 0, DELIVERED_BUSY, DELIVERED_PENDING, DELIVERED_NOTED };
struct shared_ledger_slot {
	_Atomic uint64_t word;
	_Atomic int64_t until_ms;	/* CLOCK_MONOTONIC; what is past it counts as free */
	_Atomic uint64_t key[2];
};
struct shared_next_hop {
	_Atomic uint32_t state;		/* 0 free, 1 busy, 2 used */
	_Atomic uint32_t failures;	/* in a row */
	_Atomic int64_t dead_until_ms;
	char name[120];
};
enum breaker_state { BREAKER_CLOSED = 0, BREAKER_SUSPECT, BREAKER_OPEN };
const char *breaker_state_name(enum breaker_state s);
struct shared_instance {
	_Atomic uint32_t state;
	_Atomic uint64_t calls, found, failed, timeouts, elapsed_us;
	_Atomic uint64_t deaths, leaks;		/* workers that died while they asked it; calls found to leave descriptors open */
	_Atomic uint64_t connects, connect_us;	/* that came about, and the time they took */
	_Atomic uint32_t breaker_state;		/* enum breaker_state; only plugin/breaker.c changes it */
	_Atomic uint32_t breaker_failures;	/* connections in a row that did not come about */
	_Atomic int64_t breaker_since_ms;	/* the first failure of this outage, CLOCK_MONOTONIC */
	_Atomic int64_t breaker_until_ms;	/* when somebody may try again */
	char name[64];			/* "clamd", "clamd/2" */
};

struct shared {
	uint32_t magic, layout;
	uint64_t size;
	_Atomic uint64_t counters[COUNT_OF_COUNTERS];
	_Atomic uint64_t session_counter;	/* the %05d of log ids; starts at 10000 + something random */
	_Atomic uint32_t jail_seccomp, jail_landlock_abi;	/* as the opener started last said in its HELLO; 0: not in force */
	_Atomic uint64_t jail_memory_limit_bytes;
	struct shared_reception receptions[SHARED_RECEPTIONS];
	_Atomic uint32_t slots_used[2];		/* of each half of workers[], from its start: what there is to look at */
	struct shared_worker workers[SHARED_WORKERS];
	struct shared_next_hop next_hops[SHARED_NEXT_HOPS];
	struct shared_instance instances[SHARED_INSTANCES];
	struct shared_ledger_slot poison[SHARED_POISON];
	struct shared_ledger_slot delivered[SHARED_DELIVERED];
};

/* Master: make it (returns the memfd in *fd, close-on-exec, sealed against other sizes); NULL with errno.
 * Others: map the inherited descriptor; NULL with errno, EPROTO when the layout differs.
 * shared_private(): anonymous memory of the same layout for unit tests and tools. */
struct shared *shared_create(int *fd);
struct shared *shared_map(int fd);
struct shared *shared_private(void);
void shared_count(struct shared *s, enum shared_counter c, uint64_t n);	/* s may be NULL */
/* A reception's place; where all are taken (they never are: two generations at most are alive) it shares the last. */
struct shared_reception *shared_reception_take(struct shared *s, uint32_t pid);
void shared_reception_leave(struct shared *s, uint32_t pid);	/* by itself, or by whoever reaps it; twice does no harm */
/* Sums over all receptions. */
uint64_t shared_work_area_bytes(const struct shared *s);
unsigned shared_connections(const struct shared *s);
unsigned shared_mails_waiting(const struct shared *s);

/* --- the delivered ledger (who already has this mail) --- wire/ledger.c
 * key = SHA-256(mail digest, 0, sender, 0, recipient); without the last two for the poison ledger (recipient NULL).
 * A worker writes PENDING right after the next hop's 250,
 * owned by the reception that will answer; reception clears it once the client has its positive answer, or
 * turns it to NOTED when the client is told 4xx or is gone; whoever reaps a dead reception notes all it owned.  A retry that
 * finds a NOTED entry takes it (back to PENDING, owned anew), skips that recipient and reports it as delivered.
 * Entries are counted, not merged: two sessions with the same mail (or a recipient named twice) make two entries, and each
 * clear, note or take deals with one.  Nothing here waits; where all slots near a key are in use the NOTED entry nearest
 * its end gives way, and where none is NOTED pending says false (then nothing is remembered of this delivery). */
struct ledger_key ledger_key_make(const unsigned char digest[16], const char *sender, const char *recipient_or_null);
bool ledger_delivered_pending(struct shared *s, struct ledger_key key, uint32_t owner);
bool ledger_delivered_take(struct shared *s, struct ledger_key key, uint32_t owner);	/* true: it was NOTED */
void ledger_delivered_clear(struct shared *s, struct ledger_key key, uint32_t owner);
bool ledger_delivered_is_pending(struct shared *s, struct ledger_key key);	/* whoever owns it */
bool ledger_delivered_note(struct shared *s, struct ledger_key key, uint32_t owner);	/* PENDING of owner -> NOTED */
/* All PENDING ones of an owner that is dead; each also goes to the ledger file (fd < 0: none). How many. */
unsigned ledger_delivered_note_all(struct shared *s, uint32_t owner, int ledger_fd);
unsigned ledger_delivered_count(struct shared *s, enum delivered_state state);	/* living entries, for status and tests */
/* --- the poison ledger (what killed its opener or worker) --- each death renews POISON_AGE_MS */
unsigned ledger_poison_add(struct shared *s, struct ledger_key key);	/* deaths so far */
unsigned ledger_poison_deaths(struct shared *s, struct ledger_key key);
void ledger_poison_clear(struct shared *s, struct ledger_key key);
/* Both are also appended to MYHOME/ledger, one text line each; read back at start by the master.  wire/ledger_file.c
 * "D key until deaths": noted; "P ...": died (once, or as often as `deaths` says); "C ...": one noted entry is used up and
 * the poison record forgotten.  key in hexadecimal, until in seconds since 1970. */
int ledger_file_open(const char *path);		/* O_APPEND fd, made 0640 where absent; or -1 with errno */
void ledger_file_append(int fd, char what, struct ledger_key key, int64_t until_wall_s);	/* fd < 0: nothing */
void ledger_file_delivered(int fd, struct ledger_key key);	/* noted: D, until DELIVERED_AGE_MS from now */
void ledger_file_died(int fd, struct ledger_key key);		/* P, until POISON_AGE_MS from now */
void ledger_file_used(int fd, struct ledger_key key);		/* C */
/* Fill the ledgers from the file, then put a short file of what still lives in its place.  No file: 0.  Call it before
 * ledger_file_open(), whose descriptor would go on writing to the old one.  -1 with errno: could not be read or rewritten. */
int ledger_file_load(struct shared *s, const char *path);

#endif
