/* breaker.c - spares mails the time that a scanner, database or directory costs which answers nobody; shared by all workers.
 *
 * closed  -> suspect  a call came to nothing: no connection, no answer in time, or an answer that made no sense
 * suspect -> open     the next call first asks a question without content (plugin/question.c) and has no answer to that
 *                     either; or a second connection in a row did not come about, or ended before we said a word
 * open    -> closed   one call per probe_interval asks that question, and is answered; or any call that was under way is
 *
 * A mail alone never opens it: what runs out of time over a mail's content answers the
 * question, and is believed.  A question that decides nothing leaves it to the mail.  An open breaker answers TEMPFAIL,
 * which is never "clean" or "no such key".  A database or directory that calls a question wrong has answered.  Engines of the
 * opener have none: they cost no waiting for nobody. */
#include "config.h"

#include <poll.h>
#include <string.h>

#include "base/log.h"
#include "plugin/inside.h"

#define LOOK_AGAIN_MS 10	/* while another worker asks it */
#define CONNECTS_IN_A_ROW 2	/* that did not come about */
#define SLOW_CONNECT_MS 1000	/* a connection that had less time than this says nothing about the peer */

static bool has_breaker(const struct plugin_instance *i)
{
	return (i->plugin->capabilities & (POSTERN_CAP_NETWORK | POSTERN_CAP_EXEC)) && (i->plugin->scanner || i->plugin->database || i->plugin->lookup);
}

static bool is_answer(const struct plugin_instance *i, enum postern_result r)
{
	return r == POSTERN_OK || r == POSTERN_NOTHING || (r == POSTERN_BROKEN && !i->plugin->scanner);
}

/* True for the one process that makes the change; since when goes with it. */
static bool change(struct shared_instance *slot, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&slot->breaker_state, &from, to);
}

/* Whoever takes the turn asks the question; the next turn comes after `pause_ms`. */
static bool take_turn(struct shared_instance *slot, int64_t pause_ms)
{
	int64_t now = clock_now_ms(), until = atomic_load(&slot->breaker_until_ms);
	return until <= now && atomic_compare_exchange_strong(&slot->breaker_until_ms, &until, now + pause_ms);
}

static void note_answer(struct shared_instance *slot, const struct plugin_instance *i)
{
	if (atomic_load(&slot->breaker_failures) != 0)	/* else nothing is written that all processes share */
		atomic_store(&slot->breaker_failures, 0);
	change(slot, BREAKER_SUSPECT, BREAKER_CLOSED);
	if (!change(slot, BREAKER_OPEN, BREAKER_CLOSED))
		return;
	shared_count(account_memory(), COUNT_BREAKERS_CLOSED, 1);
	log_write(LOG_LEVEL_NOTICE, "%s: answers again, after %lld s", i->name,
		(long long)(clock_now_ms() - atomic_load(&slot->breaker_since_ms)) / 1000);
}

/* An interval counts from the beginning of a try, however long that took: who comes back is asked within one. */
static void open_breaker(struct shared_instance *slot, const struct plugin_instance *i, const char *why, int64_t tried_ms)
{
	if (atomic_load(&slot->breaker_state) != BREAKER_OPEN)
		atomic_store(&slot->breaker_until_ms, tried_ms + i->probe_interval_ms);
	if (!change(slot, BREAKER_SUSPECT, BREAKER_OPEN))
		return;
	shared_count(account_memory(), COUNT_BREAKERS_OPENED, 1);
	log_write(LOG_LEVEL_WARNING, "%s: does not answer; asked again every %.1f s only: %s", i->name, (double)i->probe_interval_ms / 1000.0,
		why ? why : "no reason known");
}

static void suspect(struct shared_instance *slot)
{
	uint32_t closed = BREAKER_CLOSED;
	int64_t now = clock_now_ms();
	if (atomic_load(&slot->breaker_state) != closed)
		return;
	atomic_store(&slot->breaker_since_ms, now);
	atomic_store(&slot->breaker_until_ms, now);
	change(slot, BREAKER_CLOSED, BREAKER_SUSPECT);
}

/* Others need not wait for what the question did not settle; how many in a row did not come about is still known. */
static void leave_it_to_the_mail(struct shared_instance *slot)
{
	change(slot, BREAKER_SUSPECT, BREAKER_CLOSED);
}

static enum postern_result refuse(struct postern_call *c, struct shared_instance *slot)
{
	int64_t now = clock_now_ms(), until = atomic_load(&slot->breaker_until_ms);
	return postern_fail(c, POSTERN_TEMPFAIL, "not asked, it has not answered for %lld s; next try in %.1f s",
		(long long)(now - atomic_load(&slot->breaker_since_ms)) / 1000, until > now ? (double)(until - now) / 1000.0 : 0.0);
}

/* The question without content; what it finds out settles the state. */
static enum postern_result ask_question(struct postern_call *c, struct shared_instance *slot)
{
	int64_t began_ms = clock_now_ms();
	enum postern_result r = question_ask(c);
	bool answered = is_answer(c->instance, r);
	if (r == POSTERN_NOTHING)
		leave_it_to_the_mail(slot);
	else if (answered)
		note_answer(slot, c->instance);
	if (answered) {
		c->error = NULL;	/* it was the question's */
		return POSTERN_OK;
	}
	if (deadline_cancelled(c->deadline))
		return r;
	open_breaker(slot, c->instance, c->error, began_ms);
	return postern_fail(c, POSTERN_TEMPFAIL, "not asked, it does not answer: %s", c->error ? c->error : "no reason known");
}

/* Another worker asks: its answer is ours. */
static void wait_for_other(struct postern_call *c, const struct shared_instance *slot)
{
	struct deadline d = deadline_sooner(c->deadline, question_time_ms(c));
	struct pollfd cancel = { .fd = d.cancel_fd, .events = POLLIN };
	while (atomic_load(&slot->breaker_state) == BREAKER_SUSPECT && deadline_left_ms(d) != 0) {
		if (poll(&cancel, 1, LOOK_AGAIN_MS) > 0)
			return;
	}
}

static enum postern_result admit_suspect(struct postern_call *c, struct shared_instance *slot)
{
	int time_ms = question_time_ms(c);
	/* Without the time for the question the mail itself is the try. */
	if (time_ms == 0)
		return POSTERN_OK;
	if (take_turn(slot, time_ms))
		return ask_question(c, slot);
	wait_for_other(c, slot);
	return atomic_load(&slot->breaker_state) == BREAKER_OPEN ? refuse(c, slot) : POSTERN_OK;
}

static enum postern_result admit_open(struct postern_call *c, struct shared_instance *slot)
{
	if (!take_turn(slot, c->instance->probe_interval_ms))
		return refuse(c, slot);
	return question_time_ms(c) > 0 ? ask_question(c, slot) : POSTERN_OK;
}

enum postern_result breaker_admit(struct postern_call *c)
{
	struct shared_instance *slot = has_breaker(c->instance) ? account_slot(c->instance) : NULL;
	uint32_t state = slot ? atomic_load(&slot->breaker_state) : BREAKER_CLOSED;
	enum postern_result r = state == BREAKER_SUSPECT ? admit_suspect(c, slot) : state == BREAKER_OPEN ? admit_open(c, slot) : POSTERN_OK;
	c->refused = r != POSTERN_OK;
	return r;
}

bool breaker_is_closed(struct plugin_instance *i)
{
	struct shared_instance *slot = has_breaker(i) ? account_slot(i) : NULL;
	return !slot || atomic_load(&slot->breaker_state) == BREAKER_CLOSED;
}

void breaker_suspect(struct plugin_instance *i)
{
	struct shared_instance *slot = has_breaker(i) ? account_slot(i) : NULL;
	if (slot)
		suspect(slot);
}

void breaker_note(const struct postern_call *c, enum postern_result result)
{
	struct shared_instance *slot = account_slot(c->instance);
	if (!slot || !has_breaker(c->instance) || c->refused || result == POSTERN_LIMIT || deadline_cancelled(c->deadline))
		return;
	if (is_answer(c->instance, result)) {
		note_answer(slot, c->instance);
		return;
	}
	/* A scanner that was to speak first and did not, has not seen the mail.  Libraries of others send by themselves. */
	bool mute = c->instance->plugin->scanner && result == POSTERN_TEMPFAIL && c->connects > 0 && c->sent_bytes == 0 && !c->passed_fd;
	bool unreachable = mute || c->connect_refused || c->connect_failed_ms >= SLOW_CONNECT_MS;
	unsigned in_a_row = unreachable ? atomic_fetch_add(&slot->breaker_failures, 1) + 1 : 0;
	if (question_settles(c->instance) || unreachable)
		suspect(slot);
	if (in_a_row >= CONNECTS_IN_A_ROW)
		open_breaker(slot, c->instance, c->error, clock_now_ms());
}
