/* pool.c - see pool.h. */
#include "config.h"

#include <string.h>
#include <talloc.h>

#include "deliver/body.h"
#include "deliver/pool.h"

struct deliver_pool *deliver_pool_new(void *owner, struct shared *shared)
{
	struct deliver_pool *p = talloc_zero(owner, struct deliver_pool);

	p->shared = shared;
	for (int i = 0; i < 2; i++)
		p->block[i] = talloc_array(p, char, BODY_BLOCK);
	return p;
}

static bool is_too_old(const struct connection *c, int64_t now_ms)
{
	return now_ms - c->used_ms >= POOL_IDLE_MS || now_ms - c->opened_ms >= POOL_AGE_MS;
}

static struct connection *drop_at(struct connection **list, unsigned *count, unsigned i)
{
	struct connection *c = list[i];

	memmove(list + i, list + i + 1, (*count - i - 1) * sizeof *list);
	--*count;
	return c;
}

void pool_leave(struct deliver_pool *p, struct connection *c)
{
	char quit[] = "QUIT\r\n";
	struct iovec v = { quit, sizeof quit - 1 };

	if (connection_write(c, &v, 1, deadline_in(1)) < 0) {
		talloc_free(c);
		return;
	}
	if (p->leaving_count == POOL_KEPT_MAX)
		talloc_free(drop_at(p->leaving, &p->leaving_count, 0));
	c->used_ms = clock_now_ms();
	p->leaving[p->leaving_count++] = talloc_steal(p, c);
}

struct connection *pool_take(struct deliver_pool *p, const struct next_hop *hop, const char *identity)
{
	int64_t now_ms = clock_now_ms();

	for (unsigned i = 0; i < p->kept_count;) {
		struct connection *c = p->kept[i];

		if (strcmp(c->hop.name, hop->name) != 0 || strcmp(c->identity, identity) != 0) {
			i++;
			continue;
		}
		drop_at(p->kept, &p->kept_count, i);
		/* input that nobody asked for is a 421 or the end of file */
		if (connection_has_input(c))
			talloc_free(c);
		else if (is_too_old(c, now_ms))
			pool_leave(p, c);
		else
			return c;
	}
	return NULL;
}

void pool_keep(struct deliver_pool *p, struct connection *c)
{
	c->reused = true;
	c->used_ms = clock_now_ms();
	if (is_too_old(c, c->used_ms)) {
		pool_leave(p, c);
		return;
	}
	if (p->kept_count == POOL_KEPT_MAX)
		pool_leave(p, drop_at(p->kept, &p->kept_count, 0));
	p->kept[p->kept_count++] = talloc_steal(p, c);
}

void deliver_pool_idle(struct deliver_pool *p)
{
	int64_t now_ms = clock_now_ms();

	for (unsigned i = p->kept_count; i-- > 0;) {
		if (connection_has_input(p->kept[i]))
			talloc_free(drop_at(p->kept, &p->kept_count, i));
		else if (is_too_old(p->kept[i], now_ms))
			pool_leave(p, drop_at(p->kept, &p->kept_count, i));
	}
	for (unsigned i = p->leaving_count; i-- > 0;)
		if (connection_has_input(p->leaving[i]) || now_ms - p->leaving[i]->used_ms >= POOL_LEAVE_MS)
			talloc_free(drop_at(p->leaving, &p->leaving_count, i));
}
