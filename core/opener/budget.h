/* budget.h - what one mail may cost the opener, and whether it has been spent: the one place where limits are enforced.
 *
 * Parts, levels of containers, bytes of all contents and names together, and
 * the time of decoders, each alone and all together.  The first limit that is
 * met gives the text of X-Amavis-Hold.  Most limits stop the opening: what is
 * there by then is still scanned.  The depth, and one decoder's time, only end
 * that branch.  Memory of a parser is the process's limit (jail.h), its
 * processor time at the very last the process's CPU timer (opener.c). */
#ifndef POSTERN_OPENER_BUDGET_H
#define POSTERN_OPENER_BUDGET_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/records.h"

/* Caps of our own, whatever the order says: they keep recursion and memory finite. */
#define BUDGET_NESTING_MAX 100		/* multiparts, messages and containers within each other */
#define BUDGET_NAME_BYTES_MAX (16u * 1024 * 1024)
/* libmagic takes some 0.4 ms for what our own tables do not know, executables and containers not among it: for so many parts it is asked. */
#define BUDGET_LIBRARY_TYPES_MAX 100

struct budget {
	const struct open_order *order;
	void *owner;			/* of `hold` */
	uint64_t parts, bytes, name_bytes;	/* used so far */
	unsigned library_left;		/* types that libmagic may still be asked for */
	const char *hold;		/* the first limit that was met, or NULL */
	bool stopped;			/* nothing further is to be opened */
	/* decoders, while one is called */
	bool call_over;
	uint64_t cpu_used_us, cpu_began_us;
	int64_t decoding_ends_ms, call_ends_ms;
	unsigned looks;
};

/* CPU time of this thread. (The process clock is only as fine as the timer tick while a CPU timer is armed.) */
uint64_t opener_cpu_us(void);

void budget_begin(struct budget *b, const struct open_order *order, void *owner);
/* A limit was met: note it (and stop). The first text stays. */
void budget_note(struct budget *b, bool stop, const char *format, ...) __attribute__((format(printf, 3, 4)));
void budget_note_v(struct budget *b, bool stop, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));
/* Is there still time for this mail? Stops when not. */
bool budget_may_go_on(struct budget *b);
/* One more part; n more bytes of content, of names. false: a limit, the opening stops. */
bool budget_take_part(struct budget *b);
bool budget_take_bytes(struct budget *b, uint64_t n);
bool budget_take_name(struct budget *b, uint64_t n);
/* How many more; UINT64_MAX: as many as there are. */
uint64_t budget_parts_left(const struct budget *b);
uint64_t budget_bytes_left(const struct budget *b);
/* May there be a container within `level` others, at `nesting` in the tree? false: that branch ends. */
bool budget_take_level(struct budget *b, unsigned level);
bool budget_take_nesting(struct budget *b, unsigned nesting);

/* Around each call of a decoder. budget_decoder_may_go_on: asked by everything the decoder does; false: the call is to end. */
bool budget_decoder_begin(struct budget *b);	/* false: no time is left for decoders; stopped */
bool budget_decoder_may_go_on(struct budget *b, const char *decoder);
/* CPU time that another process has spent for this call. */
void budget_charge_cpu(struct budget *b, uint64_t us);
int64_t budget_decoder_deadline_ms(const struct budget *b);
void budget_decoder_end(struct budget *b);

#endif
