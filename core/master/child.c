/* child.c - executes this program again as a role, with a channel and the descriptors the role expects. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "master/master.h"

#define FDS_MAX 80

/* Copies above every number that a role uses, so that no dup2 can overwrite a source. */
static int lift(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 200);
}

static unsigned build_arguments(const struct master *m, enum role role, unsigned generation, const char **argv, char *number, size_t number_size)
{
	const struct role_options *o = m->options;
	unsigned n = 0;
	snprintf(number, number_size, "%u", generation);
	argv[n++] = "posternd";
	argv[n++] = "--role";
	argv[n++] = role_name(role);
	argv[n++] = "--generation";
	argv[n++] = number;
	if (strcmp(o->plugin_dir, PLUGINDIR) != 0) {
		argv[n++] = "--plugin-dir";
		argv[n++] = o->plugin_dir;
	}
	if (o->build_dir) {
		argv[n++] = "--build-dir";
		argv[n++] = o->build_dir;
	}
	if (o->config_file) {
		argv[n++] = "-c";
		argv[n++] = o->config_file;
	}
	if (o->foreground)
		argv[n++] = "-f";
	if (o->unjailed)
		argv[n++] = "--unjailed";
	argv[n] = NULL;
	return n;
}

/* Environment: only what sanitizers and the test run need; nothing of the administrator's shell reaches a role. */
static void build_environment(const char **env, unsigned room)
{
	extern char **environ;
	unsigned n = 0;
	for (char **e = environ; *e && n + 1 < room; e++)
		if (strncmp(*e, "ASAN_OPTIONS=", 13) == 0 || strncmp(*e, "UBSAN_OPTIONS=", 14) == 0 || strncmp(*e, "LSAN_OPTIONS=", 13) == 0
		    || strncmp(*e, "TZ=", 3) == 0)
			env[n++] = *e;
	env[n] = NULL;
}

static int spawn(struct master *m, struct child *c, const char **argv, const struct child_fd *fds, unsigned count)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	const char *env[16];
	sigset_t none, defaults;
	sigemptyset(&none);
	sigfillset(&defaults);
	build_environment(env, 16);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	for (unsigned i = 0; i < count; i++)
		posix_spawn_file_actions_adddup2(&actions, fds[i].from, fds[i].to);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	int rc = posix_spawn(&c->pid, m->program, &actions, &attributes, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

int child_start(struct master *m, struct child *c, enum role role, struct generation *g, const struct child_fd *fds, unsigned fd_count)
{
	const char *argv[24];
	char number[16];
	int pair[2];
	struct child_fd lifted[FDS_MAX];
	unsigned n = 0;
	*c = (struct child){ .role = role, .generation = g, .fd = -1, .started_ms = clock_now_ms() };
	if (fd_count + 1 > FDS_MAX || fdpass_pair(pair) != 0)
		return -1;
	lifted[n++] = (struct child_fd){ lift(pair[1]), ROLE_FD_MASTER };
	for (unsigned i = 0; i < fd_count; i++)
		if (fds[i].from >= 0)
			lifted[n++] = (struct child_fd){ lift(fds[i].from), fds[i].to };
	build_arguments(m, role, g->number, argv, number, sizeof number);
	int rc = spawn(m, c, argv, lifted, n);
	for (unsigned i = 0; i < n; i++)
		close(lifted[i].from);
	close(pair[1]);
	if (rc != 0) {
		log_write(LOG_LEVEL_ERROR, "master: cannot start %s: %s", role_name(role), strerror(errno));
		close(pair[0]);
		c->pid = 0;
		return -1;
	}
	c->fd = pair[0];
	return 0;
}

void child_close(struct child *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
