/* budget.c - see budget.h. Pure but for the clocks. */
#include "config.h"

#include "opener/budget.h"

#include <inttypes.h>
#include <talloc.h>
#include <time.h>

#include "base/deadline.h"

#define CPU_LOOK_EVERY 16	/* asking for the CPU clock is a system call */

uint64_t opener_cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void budget_begin(struct budget *b, const struct open_order *order, void *owner)
{
	*b = (struct budget){ .order = order, .owner = owner, .library_left = BUDGET_LIBRARY_TYPES_MAX };
}

void budget_note_v(struct budget *b, bool stop, const char *format, va_list arguments)
{
	if (!b->hold)
		b->hold = talloc_vasprintf(b->owner, format, arguments);
	b->stopped |= stop;
}

void budget_note(struct budget *b, bool stop, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	budget_note_v(b, stop, format, arguments);
	va_end(arguments);
}

bool budget_may_go_on(struct budget *b)
{
	if (!b->stopped && b->order->deadline_ms > 0 && clock_now_ms() >= b->order->deadline_ms)
		budget_note(b, true, "Out of time while decoding");
	return !b->stopped;
}

static uint64_t parts_max(const struct budget *b)
{
	return b->order->max_files && b->order->max_files < WIRE_PARTS_MAX ? b->order->max_files : WIRE_PARTS_MAX;
}

uint64_t budget_parts_left(const struct budget *b)
{
	return b->parts < parts_max(b) ? parts_max(b) - b->parts : 0;
}

uint64_t budget_bytes_left(const struct budget *b)
{
	if (b->order->quota_bytes == 0)
		return UINT64_MAX;
	return b->bytes < b->order->quota_bytes ? b->order->quota_bytes - b->bytes : 0;
}

bool budget_take_part(struct budget *b)
{
	uint64_t max = parts_max(b);
	if (!budget_may_go_on(b))
		return false;
	if (b->parts >= max) {
		budget_note(b, true, "Maximum number of files (%" PRIu64 ") exceeded", max);
		return false;
	}
	b->parts++;
	return true;
}

bool budget_take_bytes(struct budget *b, uint64_t n)
{
	if (b->stopped)
		return false;
	b->bytes += n;
	if (b->order->quota_bytes == 0 || b->bytes <= b->order->quota_bytes)
		return true;
	budget_note(b, true, "Exceeded storage quota %" PRIu64 " bytes", b->order->quota_bytes);
	return false;
}

bool budget_take_name(struct budget *b, uint64_t n)
{
	b->name_bytes += n;
	if (b->name_bytes <= BUDGET_NAME_BYTES_MAX)
		return true;
	budget_note(b, true, "Names of parts larger than %u bytes", BUDGET_NAME_BYTES_MAX);
	return false;
}

bool budget_take_level(struct budget *b, unsigned level)
{
	if (b->order->max_levels == 0 || level <= b->order->max_levels)
		return true;
	budget_note(b, false, "Maximum decoding depth (%" PRIu64 ") exceeded", b->order->max_levels);
	return false;
}

bool budget_take_nesting(struct budget *b, unsigned nesting)
{
	if (nesting < BUDGET_NESTING_MAX)
		return true;
	budget_note(b, false, "Maximum nesting of parts (%d) exceeded", BUDGET_NESTING_MAX);
	return false;
}

/* --- decoders --- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a == 0 || (b > 0 && b < a) ? b : a;
}

bool budget_decoder_begin(struct budget *b)
{
	const struct open_order *o = b->order;
	int64_t now = clock_now_ms();
	if (b->decoding_ends_ms == 0 && o->decoding_ms > 0)
		b->decoding_ends_ms = now + o->decoding_ms;
	if (b->decoding_ends_ms > 0 && now >= b->decoding_ends_ms)
		budget_note(b, true, "Decoding took longer than %" PRIu32 " ms", o->decoding_ms);
	if (o->decoding_cpu_ms > 0 && b->cpu_used_us >= (uint64_t)o->decoding_cpu_ms * 1000)
		budget_note(b, true, "Decoding took more than %" PRIu32 " ms of CPU time", o->decoding_cpu_ms);
	if (!budget_may_go_on(b))
		return false;
	b->call_over = false;
	b->looks = 0;
	b->call_ends_ms = o->decoder_ms > 0 ? now + o->decoder_ms : 0;
	b->cpu_began_us = opener_cpu_us();
	return true;
}

int64_t budget_decoder_deadline_ms(const struct budget *b)
{
	return sooner(sooner(b->call_ends_ms, b->decoding_ends_ms), b->order->deadline_ms);
}

static bool over_cpu(const struct budget *b)
{
	const struct open_order *o = b->order;
	uint64_t call_us = opener_cpu_us() - b->cpu_began_us;
	return (o->decoder_cpu_ms > 0 && call_us >= (uint64_t)o->decoder_cpu_ms * 1000)
		|| (o->decoding_cpu_ms > 0 && b->cpu_used_us + call_us >= (uint64_t)o->decoding_cpu_ms * 1000);
}

bool budget_decoder_may_go_on(struct budget *b, const char *decoder)
{
	if (b->stopped || b->call_over)
		return false;
	int64_t ends_ms = budget_decoder_deadline_ms(b);
	if (ends_ms > 0 && clock_now_ms() >= ends_ms) {
		budget_note(b, false, "%s: out of time while decoding", decoder);
		b->call_over = true;
	} else if (b->looks++ % CPU_LOOK_EVERY == 0 && over_cpu(b)) {
		budget_note(b, false, "%s: used too much CPU time while decoding", decoder);
		b->call_over = true;
	}
	return !b->call_over;
}

void budget_charge_cpu(struct budget *b, uint64_t us)
{
	b->cpu_used_us += us;
}

void budget_decoder_end(struct budget *b)
{
	b->cpu_used_us += opener_cpu_us() - b->cpu_began_us;
}
