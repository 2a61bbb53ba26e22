/* host.c - finds plugins by name and loads them, once per process.
 *
 * The only file that knows libltdl.  It hands it absolute names only: nothing
 * is ever found by a search path or an environment variable.  Nothing is ever
 * closed again: code may be running in it. */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "plugin/inside.h"

#define NAME_MAX_BYTES 40

struct plugin_host {
	const char *plugin_dir, *build_dir;
	uid_t started_by;
	gid_t started_by_group;
	GHashTable *loaded;		/* name -> const struct postern_plugin * */
	GHashTable *files;		/* name -> the file it was loaded from */
};

static const char *const role_folders[] = { "scanner", "lookup", "decoder", "delivery", "report", "database", "score" };

static int host_free(struct plugin_host *h)
{
	g_hash_table_destroy(h->loaded);
	g_hash_table_destroy(h->files);
	return 0;
}

struct plugin_host *plugin_host_new(void *owner, const char *plugin_dir, const char *build_dir)
{
	static bool ready;
	if (!ready && lt_dlinit() != 0)
		return NULL;
	ready = plugin_export_count > 0;	/* also what ties the exported functions to this program */
	struct plugin_host *h = talloc_zero(owner, struct plugin_host);
	h->plugin_dir = plugin_dir ? talloc_strdup(h, plugin_dir) : NULL;
	h->build_dir = build_dir ? talloc_strdup(h, build_dir) : NULL;
	h->started_by = getuid();
	h->started_by_group = getgid();
	h->loaded = g_hash_table_new(g_str_hash, g_str_equal);
	h->files = g_hash_table_new(g_str_hash, g_str_equal);
	talloc_set_destructor(h, host_free);
	return h;
}

/* A name becomes a file name: letters, digits, '_' and '-' only. */
static bool name_is_plain(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
	return n > 0 && n <= NAME_MAX_BYTES && name[n] == '\0' && name[0] != '-';
}

static bool file_exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

/* Where the plugin of that name would lie; NULL: nowhere. On owner. */
static char *host_locate(const struct plugin_host *h, const char *name, void *owner)
{
	if (!h->build_dir) {
		char *path = h->plugin_dir ? talloc_asprintf(owner, "%s/%s.so", h->plugin_dir, name) : NULL;
		return path && file_exists(path) ? path : NULL;
	}
	for (size_t k = 0; k < G_N_ELEMENTS(role_folders); k++) {
		char *path = talloc_asprintf(owner, "%s/plugins/%s/%s.la", h->build_dir, role_folders[k], name);
		if (file_exists(path))
			return path;
		talloc_free(path);
	}
	return NULL;
}

/* The shared object behind a .la of a build tree, else the file itself. */
static char *object_of(const char *file, void *owner)
{
	if (!g_str_has_suffix(file, ".la"))
		return talloc_strdup(owner, file);
	const char *slash = strrchr(file, '/');
	const char *base = slash + 1;
	return talloc_asprintf(owner, "%.*s/.libs/%.*s.so", (int)(slash - file), file, (int)(strlen(base) - 3), base);
}

static int host_trusts(const struct plugin_host *h, const char *file, const char *object, struct error *e)
{
	if (trust_file(file, h->started_by, h->started_by_group, e) != 0)
		return -1;
	if (strcmp(file, object) != 0 && trust_file(object, h->started_by, h->started_by_group, e) != 0)
		return -1;
	return trust_elf(object, e);
}

/* libltdl says "file not found" whatever went wrong; the loader itself knows better. */
static int open_failed(const char *file, const char *object, struct error *e)
{
	const char *text = lt_dlerror();
	if (!dlopen(object, RTLD_NOW | RTLD_LOCAL)) {
		const char *better = dlerror();
		text = better ? better : text;
	}
	return error_set(e, ERROR_CONFIG, "%s: cannot be loaded: %s", file, text ? text : "unknown reason");
}

static lt_dlhandle open_object(const char *file, const char *object, void *scratch, struct error *e)
{
	lt_dladvise advise;
	if (lt_dladvise_init(&advise) != 0) {
		error_set(e, ERROR_ENVIRONMENT, "libltdl: %s", lt_dlerror());
		return NULL;
	}
	lt_dladvise_resident(&advise);
	lt_dladvise_local(&advise);
	/* Without its suffix ltdl finds the .la of a build tree; a file given by its full name is taken as it is. */
	bool archive = g_str_has_suffix(file, ".la");
	if (archive)
		lt_dladvise_ext(&advise);
	const char *path = archive ? talloc_strndup(scratch, file, strlen(file) - 3) : file;
	lt_dlhandle handle = lt_dlopenadvise(path, advise);
	lt_dladvise_destroy(&advise);
	if (!handle)
		open_failed(file, object, e);
	return handle;
}

static const struct postern_plugin *load(struct plugin_host *h, const char *name, const char *file, struct error *e)
{
	void *scratch = talloc_new(NULL);
	const struct postern_plugin *p = NULL;
	char *object = object_of(file, scratch);
	if (host_trusts(h, file, object, e) != 0)
		goto done;
	lt_dlhandle handle = open_object(file, object, scratch, e);
	if (!handle)
		goto done;
	const struct postern_plugin *raw = lt_dlsym(handle, "postern_plugin");
	if (!raw) {
		error_set(e, ERROR_CONFIG, "%s: exports no symbol \"postern_plugin\": not a Postern plugin", file);
		goto done;
	}
	p = abi_accept(h, raw, name, file, e);
	if (p) {
		g_hash_table_insert(h->loaded, (void *)(uintptr_t)p->name, (void *)(uintptr_t)p);
		g_hash_table_insert(h->files, (void *)(uintptr_t)p->name, talloc_strdup(h, file));
	}
done:
	talloc_free(scratch);
	if (!p)
		error_prefix(e, "plugin \"%s\"", name);
	return p;
}

static const struct postern_plugin *absent(const struct plugin_host *h, const char *name, struct error *e)
{
	error_set(e, ERROR_CONFIG, "no plugin of the name \"%s\" in %s%s", name,
		h->build_dir ? h->build_dir : h->plugin_dir ? h->plugin_dir : "(no folder)", h->build_dir ? "/plugins" : "");
	if (e)
		e->errnum = ENOENT;
	return NULL;
}

const struct postern_plugin *plugin_host_find(struct plugin_host *h, const char *name, struct error *e)
{
	const struct postern_plugin *p = g_hash_table_lookup(h->loaded, name);
	if (p)
		return p;
	char *file = name_is_plain(name) ? host_locate(h, name, h) : NULL;
	if (!file)
		return absent(h, name, e);
	p = load(h, name, file, e);
	talloc_free(file);
	return p;
}

const struct postern_plugin *plugin_host_load_file(struct plugin_host *h, const char *name, const char *file, struct error *e)
{
	if (file[0] != '/') {
		error_set(e, ERROR_CONFIG, "plugin \"%s\": \"%s\" is no absolute file name", name, file);
		return NULL;
	}
	if (!file_exists(file)) {
		error_set_errno(e, "plugin \"%s\": %s", name, file);
		return NULL;
	}
	const char *before = g_hash_table_lookup(h->files, name);
	if (before && strcmp(before, file) == 0)
		return g_hash_table_lookup(h->loaded, name);
	if (before) {
		error_set(e, ERROR_CONFIG, "plugin \"%s\": loaded already from %s; names are unique", name, before);
		return NULL;
	}
	return load(h, name, file, e);
}

const char *plugin_host_file(const struct plugin_host *h, const char *name)
{
	return g_hash_table_lookup(h->files, name);
}

static void names_of_folder(GPtrArray *names, const char *folder, const char *suffix, void *owner)
{
	DIR *d = opendir(folder);
	if (!d)
		return;
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		if (g_str_has_suffix(entry->d_name, suffix))
			g_ptr_array_add(names, talloc_strndup(owner, entry->d_name, strlen(entry->d_name) - strlen(suffix)));
	}
	closedir(d);
}

const char *const *plugin_host_names(struct plugin_host *h, void *owner)
{
	GPtrArray *names = g_ptr_array_new();
	if (!h->build_dir && h->plugin_dir)
		names_of_folder(names, h->plugin_dir, ".so", owner);
	for (size_t k = 0; h->build_dir && k < G_N_ELEMENTS(role_folders); k++) {
		char *folder = talloc_asprintf(owner, "%s/plugins/%s", h->build_dir, role_folders[k]);
		names_of_folder(names, folder, ".la", owner);
		talloc_free(folder);
	}
	const char **list = talloc_zero_array(owner, const char *, names->len + 1);
	for (guint k = 0; k < names->len; k++)
		list[k] = talloc_steal(list, g_ptr_array_index(names, k));
	g_ptr_array_free(names, TRUE);
	return list;
}
