/* tree_probe.c - prints the tree of parts that the opener makes of a mail in a file, or of all in a folder, for the golden tests.
 *
 * Line ends of the file become CRLF first, as a mail has them on the wire; with
 * "-b" the bytes are taken as they are. Further arguments: max_files=N
 * max_levels=N quota=N words=N decoders=NAME,... (from the build tree). */
#include "config.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/text.h"
#include "opener/opener.h"
#include "../lib/decoders.h"

static GString *read_mail(const char *path, bool as_is)
{
	char *text;
	gsize n;
	if (!g_file_get_contents(path, &text, &n, NULL))
		exit(2);
	GString *mail = g_string_sized_new(n + n / 40);
	for (gsize i = 0; i < n; i++) {
		if (!as_is && text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			g_string_append_c(mail, '\r');
		g_string_append_c(mail, text[i]);
	}
	g_free(text);
	return mail;
}

static void print_file(int dir_fd, uint32_t number)
{
	char name[16];
	uint8_t buffer[65536];
	GChecksum *sum = g_checksum_new(G_CHECKSUM_MD5);
	snprintf(name, sizeof name, "p%03u", number);
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	for (ssize_t n; fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0;)
		g_checksum_update(sum, buffer, n);
	printf(" md5=%.8s", fd >= 0 ? g_checksum_get_string(sum) : "missing!");
	if (fd >= 0)
		close(fd);
	g_checksum_free(sum);
}

static void print_part(int dir_fd, const struct part *p)
{
	static const char letters[] = PART_ATTRIBUTE_LETTERS;
	printf("p%03u in p%03u at %u: %s type=%s size=%llu attributes=", p->number, p->parent, p->index_in_parent,
		p->mime_type ? p->mime_type : "-", p->type_short ? p->type_short : "-", (unsigned long long)p->size_bytes);
	for (unsigned i = 0; letters[i]; i++)
		if (p->attributes & 1u << i)
			putchar(letters[i]);
	if (p->has_file)
		print_file(dir_fd, p->number);
	if (p->decoder)
		printf(" by %s", p->decoder);
	if (p->note)
		printf(" (%s)", p->note);
	putchar('\n');
	for (uint32_t i = 0; i < p->name_count; i++) {
		GString *s = g_string_new(NULL);
		text_append_escaped(s, p->names[i], strlen(p->names[i]));
		if (s->len > 200)	/* both ends matter */
			g_string_erase(s, 150, (gssize)s->len - 190);
		printf("  name %s\n", s->str);
		g_string_free(s, TRUE);
	}
}

static void read_option(struct open_order *order, const char *option)
{
	if (strncmp(option, "max_files=", 10) == 0)
		order->max_files = strtoull(option + 10, NULL, 10);
	else if (strncmp(option, "max_levels=", 11) == 0)
		order->max_levels = strtoull(option + 11, NULL, 10);
	else if (strncmp(option, "quota=", 6) == 0)
		order->quota_bytes = strtoull(option + 6, NULL, 10);
	else if (strncmp(option, "words=", 6) == 0)
		order->password_words = (uint32_t)strtoul(option + 6, NULL, 10);
	else if (strcmp(option, "keep") == 0)
		order->keep_parts = 1;
}

static int open_scratch(void)
{
	char folder[] = "/tmp/tree-probe-XXXXXX";
	if (!mkdtemp(folder))
		exit(2);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || chdir(folder) != 0)
		exit(2);
	return fd;
}

static void remove_scratch(int dir_fd)
{
	char *here = g_get_current_dir();
	scratch_empty(dir_fd);
	rmdir(here);
	g_free(here);
	close(dir_fd);
}

static void print_outcome(const struct opened *out)
{
	static const char *const outcomes[] = { "?", "OK", "LIMIT", "BROKEN", "ENVIRONMENT" };
	printf("outcome %s parts=%u undecipherable=%u crypted=%u ambiguous=%u mail_kept=%u\n", outcomes[out->outcome <= OPENED_ENVIRONMENT ? out->outcome : 0], out->part_count,
		out->undecipherable, out->crypted, out->ambiguous, out->mail_kept);
	if (out->hold)
		printf("hold %s\n", out->hold);
	if (out->mime_error)
		printf("mime error %s\n", out->mime_error);
}

/* One mail; 0 or 2. */
static int probe(const char *path, bool as_is, const struct open_order *options, const struct decoders *decoders)
{
	struct open_order order = *options;
	GString *mail = read_mail(path, as_is);
	order.size_bytes = mail->len;
	FILE *spool = tmpfile();
	if (!spool || fwrite(mail->str, 1, mail->len, spool) != mail->len || fflush(spool) != 0)
		return 2;
	int dir_fd = open_scratch();
	void *owner = talloc_new(NULL);
	struct opener_tree tree;
	struct opened out;
	struct opener_job job = { .order = &order, .mail_fd = fileno(spool), .dir_fd = dir_fd, .instances = decoders->instances, .instance_count = decoders->count };
	opener_take_apart(&job, &tree, &out, owner);
	for (unsigned i = 0; i < tree.count; i++)
		print_part(dir_fd, &tree.parts[i]);
	print_outcome(&out);
	talloc_free(owner);
	remove_scratch(dir_fd);
	fclose(spool);
	g_string_free(mail, TRUE);
	return 0;
}

/* Each file of a folder, under a line "=== NAME". */
static int probe_folder(const char *folder, bool as_is, const struct open_order *options, const struct decoders *decoders)
{
	GDir *d = g_dir_open(folder, 0, NULL);
	int rc = d ? 0 : 2;
	for (const char *name; d && rc == 0 && (name = g_dir_read_name(d));) {
		char *path = g_build_filename(folder, name, NULL);
		printf("=== %s\n", name);
		rc = probe(path, as_is, options, decoders);
		g_free(path);
	}
	if (d)
		g_dir_close(d);
	return rc;
}

int main(int argc, char **argv)
{
	bool as_is = argc > 1 && strcmp(argv[1], "-b") == 0;
	int first = as_is ? 2 : 1;
	struct error e = { 0 };
	if (argc <= first || opener_preload(&e) != 0) {
		fprintf(stderr, "usage: tree_probe [-b] FILE|FOLDER [max_files=N] ...  %s\n", e.text);
		return 2;
	}
	struct open_order order = { .log_id = "probe" };
	struct decoders decoders = { 0 };
	for (int i = first + 1; i < argc; i++) {
		read_option(&order, argv[i]);
		if (strncmp(argv[i], "decoders=", 9) == 0)
			decoders_load(&decoders, argv[i] + 9);
	}
	order.decoders = decoders.numbers;
	order.decoder_count = decoders.count;
	bool many = g_file_test(argv[first], G_FILE_TEST_IS_DIR);
	return (many ? probe_folder : probe)(argv[first], as_is, &order, &decoders);
}
