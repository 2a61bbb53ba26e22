/* fuzz_tables.c - any bytes as a table file: the first chooses the kind of table, the rest is the file.  What cannot be used is left out
 * with its line; whatever remains can be asked. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "lookup/lookup.h"
#include "plugin/host.h"

#define LEFT_OUT_MAX 101

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const kinds[] = { "hash", "list", "pcre", "regexp", "cidr" };

static struct plugin_host *host_once(void)
{
	static struct plugin_host *host;

	if (host == NULL)
		host = plugin_host_new(NULL, NULL, getenv("POSTERN_BUILD"));
	return host;
}

/* A file in memory that only we may write. */
static int file_of(const uint8_t *data, size_t size, char *path, size_t room)
{
	int fd = memfd_create("table", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, room, "/proc/self/fd/%d", fd);
	return fd;
}

static void ask(void *owner, struct plugin_instance *i)
{
	static const char *const addresses[] = { "", "user@example.com", "User+Foo@sub.example.com", "\xff\xfe@\xc3\xbc.example", "a b@[1.2.3.4]" };
	static const char *const names[] = { ".exe", "a.exe" };
	struct lookup_style style = { .recipient_delimiter = "+" };
	struct value table = { .kind = VALUE_TABLE, .u.table = lookup_table_plugin(owner, i) };
	struct error failed;

	for (size_t k = 0; k < sizeof addresses / sizeof *addresses; k++)
		lookup_all(&table, lookup_key_address(owner, addresses[k], &style), NULL, owner, &failed);
	lookup_first(&table, lookup_key_strings(owner, names, 2), NULL, owner, NULL, &failed);
	lookup_first(&table, lookup_key_ip(owner, "10.1.2.3"), NULL, owner, NULL, &failed);
	lookup_first(&table, lookup_key_ip(owner, "2001:db8::1"), NULL, owner, NULL, &failed);
	lookup_first(&table, lookup_key_ip(owner, NULL), NULL, owner, NULL, &failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *kind = kinds[size > 0 ? data[0] % (sizeof kinds / sizeof *kinds) : 0], *name = "file", *value;
	struct error e = { 0 };
	const struct postern_plugin *plugin = plugin_host_find(host_once(), kind, &e);
	GPtrArray *left_out = g_ptr_array_new_with_free_func(g_free);
	void *owner = talloc_new(NULL);
	struct plugin_instance *i;
	char path[64];
	int fd = file_of(data + (size > 0), size > 0 ? size - 1 : 0, path, sizeof path);

	value = path;
	if (plugin == NULL) {
		fprintf(stderr, "fuzz_tables: %s\n", e.text);
		exit(1);
	}
	i = plugin_instance_from_pairs(owner, plugin, &name, &value, 1, &e);
	if (lookup_instance_load(i, left_out, &e) != 0 || left_out->len > LEFT_OUT_MAX + 1) {
		fprintf(stderr, "fuzz_tables: %s\n", e.text);
		abort();
	}
	ask(owner, i);
	if (plugin_instance_changed(i) || (left_out->len == 0) != (lookup_instance_reload(i, &e) == 0))
		abort();
	ask(owner, i);
	talloc_free(owner);
	g_ptr_array_free(left_out, TRUE);
	close(fd);
	return 0;
}
