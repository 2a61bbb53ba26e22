/* open_load.c - opens mails in files again and again within one process, as an opener does, and says how long each took.
 *
 *     open_load ROUNDS DIGEST DECODERS FOLDER FILE...
 *
 * DIGEST "-": none; DECODERS "-": all that were built.  Scratch files go to FOLDER.  For each file a line: name, parts, bytes of all
 * parts, then median microseconds of wall and of CPU time. */
#include "config.h"

#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "../lib/decoders.h"

struct figures { uint64_t *wall_us, *cpu_us, parts, bytes; };

static uint64_t now_us(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static uint64_t median(uint64_t *values, unsigned count)
{
	qsort(values, count, sizeof *values, compare);
	return values[count / 2];
}

/* What is made is removed again outside of the time that is taken, as the opener does after it has answered. */
static void open_once(const struct opener_job *job, struct figures *f, unsigned round)
{
	struct opener_tree tree;
	struct opened opened;
	void *owner = talloc_new(NULL);
	uint64_t wall = now_us(CLOCK_MONOTONIC), cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
	opener_take_apart(job, &tree, &opened, owner);
	f->wall_us[round] = now_us(CLOCK_MONOTONIC) - wall;
	f->cpu_us[round] = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	f->parts = tree.count;
	f->bytes = 0;
	for (unsigned i = 0; i < tree.count; i++)
		f->bytes += tree.parts[i].size_bytes;
	if (opened.outcome != OPENED_OK) {
		fprintf(stderr, "open_load: %s\n", opened.hold ? opened.hold : "it cannot be opened");
		exit(1);
	}
	talloc_free(owner);
	scratch_empty(job->dir_fd);
}

static void open_file(const char *path, struct open_order *order, struct opener_job *job, unsigned rounds)
{
	struct figures f = { .wall_us = g_new(uint64_t, rounds), .cpu_us = g_new(uint64_t, rounds) };
	struct stat st;
	job->mail_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (job->mail_fd < 0 || fstat(job->mail_fd, &st) != 0) {
		perror(path);
		exit(1);
	}
	order->size_bytes = (uint64_t)st.st_size;
	for (unsigned i = 0; i < rounds; i++)
		open_once(job, &f, i);
	printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", path, f.parts, f.bytes, median(f.wall_us, rounds), median(f.cpu_us, rounds));
	close(job->mail_fd);
	g_free(f.wall_us);
	g_free(f.cpu_us);
}

int main(int argc, char **argv)
{
	struct decoders decoders = { 0 };
	struct error e = { 0 };
	if (argc < 6 || opener_preload(&e) != 0) {
		fprintf(stderr, "usage: open_load ROUNDS DIGEST DECODERS FOLDER FILE...  %s\n", e.text);
		return 2;
	}
	unsigned rounds = (unsigned)MAX(atoi(argv[1]), 1);
	decoders_load(&decoders, strcmp(argv[3], "-") == 0 ? NULL : argv[3]);
	struct open_order order = { .log_id = "bench", .digest = strcmp(argv[2], "-") == 0 ? "" : argv[2], .decoders = decoders.numbers, .decoder_count = decoders.count };
	struct opener_job job = { .order = &order, .dir_fd = open(argv[4], O_RDONLY | O_DIRECTORY | O_CLOEXEC), .instances = decoders.instances,
		.instance_count = decoders.count };
	for (int i = 5; i < argc; i++)
		open_file(argv[i], &order, &job, rounds);
	return 0;
}
