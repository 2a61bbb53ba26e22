/* listeners.c - listening sockets: opened once, kept over reloads, handed to each reception; also those that systemd hands over.
 * It accepts nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "master/master.h"

#define SYSTEMD_FIRST_FD 3

struct listener { char *text; int fd; };
struct listeners { GArray *list; GArray *from_systemd; };

struct listeners *listeners_new(void)
{
	struct listeners *l = g_new0(struct listeners, 1);
	l->list = g_array_new(FALSE, FALSE, sizeof(struct listener));
	l->from_systemd = g_array_new(FALSE, FALSE, sizeof(int));
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	if (pid && count && atoi(pid) == (int)getpid()) {
		for (int i = 0; i < atoi(count) && i < 64; i++) {
			/* Moved away: the low numbers are what roles expect their own descriptors at. */
			int fd = fcntl(SYSTEMD_FIRST_FD + i, F_DUPFD_CLOEXEC, 100);
			close(SYSTEMD_FIRST_FD + i);
			if (fd >= 0 && io_set_nonblocking(fd, true) == 0)
				g_array_append_val(l->from_systemd, fd);
		}
	}
	return l;
}

int listeners_fd(const struct listeners *l, const char *text)
{
	for (guint i = 0; i < l->list->len; i++)
		if (strcmp(g_array_index(l->list, struct listener, i).text, text) == 0)
			return g_array_index(l->list, struct listener, i).fd;
	return -1;
}

/* --- addresses --- */

static int resolve(const struct endpoint *at, struct sockaddr_storage *address, socklen_t *length, char **problem)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found = NULL;
	const char *host = strcmp(at->host, "*") == 0 ? NULL : at->host;
	int rc = getaddrinfo(host, at->port, &hints, &found);
	if (rc != 0 || !found) {
		*problem = g_strdup_printf("listen_sockets: %s: %s", at->text, gai_strerror(rc));
		return -1;
	}
	memcpy(address, found->ai_addr, found->ai_addrlen);
	*length = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int take_from_systemd(struct listeners *l, const struct sockaddr *address, socklen_t length)
{
	for (guint i = 0; i < l->from_systemd->len; i++) {
		struct sockaddr_storage own = { 0 };
		socklen_t own_length = sizeof own;
		int fd = g_array_index(l->from_systemd, int, i);
		if (getsockname(fd, (struct sockaddr *)&own, &own_length) != 0 || own.ss_family != address->sa_family)
			continue;
		bool same = address->sa_family == AF_UNIX
			? strcmp(((struct sockaddr_un *)&own)->sun_path, ((const struct sockaddr_un *)address)->sun_path) == 0
			: own_length == length && memcmp(&own, address, length) == 0;
		if (!same)
			continue;
		g_array_remove_index(l->from_systemd, i);
		return fd;
	}
	return -1;
}

/* A socket file that nobody answers at is a leftover of one that was killed. */
static bool unix_is_stale(const struct sockaddr_un *address)
{
	struct stat st;
	if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* The mode comes from the umask and the owner by lchown: the folder may be the daemon's, and no link in it is followed. */
static int bind_socket(int fd, const struct sockaddr *address, socklen_t length, int unix_mode, uid_t owner)
{
	if (address->sa_family != AF_UNIX)
		return bind(fd, address, length);
	const char *path = ((const struct sockaddr_un *)address)->sun_path;
	if (unix_is_stale((const struct sockaddr_un *)address))
		unlink(path);
	mode_t before = umask(unix_mode >= 0 ? (mode_t)~unix_mode & 0777 : 0027);
	int rc = bind(fd, address, length);
	umask(before);
	if (rc != 0)
		return -1;
	return geteuid() == 0 && owner != 0 ? lchown(path, owner, (gid_t)-1) : 0;
}

static int open_listener(struct listeners *l, const char *text, int backlog, int unix_mode, uid_t owner, char **problem)
{
	struct endpoint at;
	struct error e = { 0 };
	struct sockaddr_storage address = { 0 };
	socklen_t length;
	const int on = 1;
	if (endpoint_parse(text, &at, &e) != 0) {
		*problem = g_strdup_printf("listen_sockets: %s: %s", text, e.text);
		return -1;
	}
	if (at.is_unix) {
		struct sockaddr_un *u = (struct sockaddr_un *)&address;
		u->sun_family = AF_UNIX;
		g_strlcpy(u->sun_path, at.path, sizeof u->sun_path);
		length = sizeof *u;
	} else if (resolve(&at, &address, &length, problem) != 0) {
		return -1;
	}
	int fd = take_from_systemd(l, (struct sockaddr *)&address, length);
	if (fd >= 0)
		return fd;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (fd >= 0 && bind_socket(fd, (struct sockaddr *)&address, length, unix_mode, owner) == 0 && listen(fd, backlog > 0 ? backlog : SOMAXCONN) == 0)
		return fd;
	*problem = g_strdup_printf("listen_sockets: %s: %s", text, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The default names [::1] too; a host without IPv6, or with it switched off, just has no such listener. */
static bool may_be_absent(const char *text)
{
	if (strncmp(text, "[::1]:", 6) != 0)
		return false;
	struct sockaddr_in6 loopback = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool absent = fd < 0 || (bind(fd, (struct sockaddr *)&loopback, sizeof loopback) != 0 && errno == EADDRNOTAVAIL);
	if (fd >= 0)
		close(fd);
	return absent;
}

int listeners_apply(struct listeners *l, const char *const *texts, int backlog, int unix_mode, uid_t owner, char **problem)
{
	for (size_t i = 0; texts && texts[i]; i++) {
		if (listeners_fd(l, texts[i]) >= 0 || may_be_absent(texts[i]))
			continue;
		struct listener fresh = { .fd = open_listener(l, texts[i], backlog, unix_mode, owner, problem) };
		if (fresh.fd < 0)
			return -1;
		fresh.text = g_strdup(texts[i]);
		g_array_append_val(l->list, fresh);
	}
	return 0;
}

static void close_one(struct listener *one)
{
	if (one->text[0] == '/')
		unlink(one->text);
	close(one->fd);
	g_free(one->text);
}

void listeners_retain(struct listeners *l, const char *const *texts)
{
	for (guint i = l->list->len; i-- > 0; ) {
		struct listener *one = &g_array_index(l->list, struct listener, i);
		if (texts && g_strv_contains((const gchar *const *)texts, one->text))
			continue;
		close_one(one);
		g_array_remove_index(l->list, i);
	}
}

void listeners_close(struct listeners *l)
{
	listeners_retain(l, NULL);
	for (guint i = 0; i < l->from_systemd->len; i++)
		close(g_array_index(l->from_systemd, int, i));
	g_array_free(l->list, TRUE);
	g_array_free(l->from_systemd, TRUE);
	g_free(l);
}
