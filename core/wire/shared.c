/* shared.c - makes and maps the memory that outlives every generation; what is in it is others' business. */
#include "config.h"
#include "wire/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"

#define SHARED_MAGIC 0x50535448u
#define FIRST_SESSION 10000
#define FIRST_SESSION_SPREAD 80000

const char *shared_counter_name(enum shared_counter c)
{
	static const char *const names[] = {
#define X(id, name) [id] = name,
		SHARED_COUNTERS(X)
#undef X
	};
	return c < COUNT_OF_COUNTERS ? names[c] : "unknown";
}

const char *worker_stage_name(enum worker_stage s)
{
	static const char *const names[] = {
		[STAGE_FREE] = "free", [STAGE_STARTING] = "starting", [STAGE_RESERVED] = "reserved", [STAGE_IDLE] = "idle", [STAGE_SETTLE] = "settle",
		[STAGE_OPEN] = "open", [STAGE_CHECK] = "check", [STAGE_JUDGE] = "judge", [STAGE_ACT] = "act",
		[STAGE_DELIVER] = "deliver", [STAGE_ANSWER] = "answer"
	};
	return s < sizeof names / sizeof names[0] ? names[s] : "unknown";
}

const char *breaker_state_name(enum breaker_state s)
{
	static const char *const names[] = { [BREAKER_CLOSED] = "closed", [BREAKER_SUSPECT] = "suspect", [BREAKER_OPEN] = "open" };
	return s < sizeof names / sizeof names[0] ? names[s] : "unknown";
}

/* So that log ids of a restarted daemon do not begin anew at the same number. */
static uint64_t first_session(void)
{
	uint32_t r;
	if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r)
		r = (uint32_t)clock_wall_us();
	return FIRST_SESSION + r % FIRST_SESSION_SPREAD;
}

static struct shared *shared_begin(void *memory)
{
	if (memory == MAP_FAILED)
		return NULL;
	struct shared *s = memory;
	s->magic = SHARED_MAGIC;
	s->layout = SHARED_LAYOUT;
	s->size = sizeof *s;
	atomic_store(&s->session_counter, first_session());
	return s;
}

struct shared *shared_create(int *fd)
{
	int made = memfd_create("postern-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (made < 0)
		return NULL;
	struct shared *s = NULL;
	if (ftruncate(made, (off_t)sizeof *s) == 0 &&
	    fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		s = shared_begin(mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, made, 0));
	if (!s) {
		int saved = errno;
		close(made);
		errno = saved;
		return NULL;
	}
	*fd = made;
	return s;
}

struct shared *shared_map(int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return NULL;
	if (st.st_size != (off_t)sizeof(struct shared)) {
		errno = EPROTO;
		return NULL;
	}
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return NULL;
	if (s->magic != SHARED_MAGIC || s->layout != SHARED_LAYOUT || s->size != sizeof *s) {
		munmap(s, sizeof *s);
		errno = EPROTO;
		return NULL;
	}
	return s;
}

struct shared *shared_private(void)
{
	return shared_begin(mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

void shared_count(struct shared *s, enum shared_counter c, uint64_t n)
{
	if (s && c < COUNT_OF_COUNTERS)
		atomic_fetch_add_explicit(&s->counters[c], n, memory_order_relaxed);
}

struct shared_reception *shared_reception_take(struct shared *s, uint32_t pid)
{
	for (unsigned i = 0; i < SHARED_RECEPTIONS; i++) {
		uint32_t nobody = 0;
		if (atomic_compare_exchange_strong(&s->receptions[i].pid, &nobody, pid))
			return &s->receptions[i];
	}
	return &s->receptions[SHARED_RECEPTIONS - 1];
}

void shared_reception_leave(struct shared *s, uint32_t pid)
{
	for (unsigned i = 0; i < SHARED_RECEPTIONS; i++) {
		struct shared_reception *r = &s->receptions[i];
		if (atomic_load(&r->pid) != pid)
			continue;
		atomic_store(&r->connections, 0);
		atomic_store(&r->waiting, 0);
		atomic_store(&r->work_area_bytes, 0);
		atomic_store(&r->pid, 0);
	}
}

uint64_t shared_work_area_bytes(const struct shared *s)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < SHARED_RECEPTIONS; i++)
		sum += atomic_load_explicit(&s->receptions[i].work_area_bytes, memory_order_relaxed);
	return sum;
}

unsigned shared_connections(const struct shared *s)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < SHARED_RECEPTIONS; i++)
		sum += atomic_load_explicit(&s->receptions[i].connections, memory_order_relaxed);
	return sum;
}

unsigned shared_mails_waiting(const struct shared *s)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < SHARED_RECEPTIONS; i++)
		sum += atomic_load_explicit(&s->receptions[i].waiting, memory_order_relaxed);
	return sum;
}
