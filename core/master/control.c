/* control.c - the control socket: status, reload, stop, and what is reception's to do: scan, explain.  One record asks, one record answers: "<exit code>\n<text>". */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <talloc.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "master/master.h"
#include "template/talk.h"

#define CONNECTIONS_MAX 64

int control_listen(struct master *m, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (!path || strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(probe, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED)
		unlink(path);
	close(probe);
	mode_t before = umask(0177);
	int rc = bind(fd, (struct sockaddr *)&address, sizeof address);
	umask(before);
	if (rc != 0 || listen(fd, 16) != 0) {
		close(fd);
		return -1;
	}
	m->control_fd = fd;
	m->control_path = g_strdup(path);
	return 0;
}

void control_accept(struct master *m)
{
	int fd = accept4(m->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (m->control_connections->len >= CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	g_array_append_val(m->control_connections, fd);
}

static void forget(GArray *list, int fd)
{
	for (guint i = list->len; i-- > 0; )
		if (g_array_index(list, int, i) == fd)
			g_array_remove_index(list, i);
}

static void hang_up(struct master *m, int fd)
{
	forget(m->control_connections, fd);
	forget(m->waiting_reloads, fd);
	forget(m->waiting_stop, fd);
	close(fd);
}

static void answer(int fd, int code, const char *text)
{
	char *both = g_strdup_printf("%d\n%s", code, text);
	talk_send_text(fd, RECORD_ANSWER, both);
	g_free(both);
}

/* Reception has the connection from now on; it answers. */
static void pass_on(struct master *m, int fd, const char *command, int file_fd)
{
	struct generation *g = master_active(m);
	struct wire_writer w = { 0 };
	size_t n;
	text_record_write(&w, RECORD_CONTROL, command);
	const void *record = wire_end(&w, &n);
	if (!g || g->reception.fd < 0 || fdpass_send(g->reception.fd, record, n, (int[]){ fd, file_fd }, file_fd >= 0 ? 2 : 1, MSG_DONTWAIT) != 0)
		answer(fd, 2, "not completed: no reception is there to take it, try again\n");
	else
		hang_up(m, fd);
	wire_free(&w);
}

static bool is_scan(const char *command)
{
	return strcmp(command, "scan") == 0 || strcmp(command, "scan json") == 0;
}

static bool is_explain(const char *command)
{
	return strncmp(command, "explain\n", 8) == 0;
}

static void do_command(struct master *m, int fd, const char *command)
{
	if (strcmp(command, "status") == 0 || strcmp(command, "status json") == 0) {
		char *text = status_text(m, strcmp(command, "status json") == 0);
		answer(fd, 0, text);
		g_free(text);
	} else if (strcmp(command, "reload") == 0) {
		g_array_append_val(m->waiting_reloads, fd);
		master_want_reload(m);
	} else if (strcmp(command, "stop") == 0) {
		g_array_append_val(m->waiting_stop, fd);
		master_stop(m);
	} else {
		answer(fd, 64, "unknown command\n");
	}
}

void control_speak(struct master *m, int fd)
{
	char buffer[4096];
	struct wire_reader r;
	int fds[FDPASS_MAX], count = FDPASS_MAX;
	ssize_t n = fdpass_receive(fd, buffer, sizeof buffer, fds, &count, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	count = n > 0 ? count : 0;
	if (n <= 0 || !wire_open(&r, buffer, (size_t)n) || r.kind != RECORD_CONTROL) {
		fdpass_close_all(fds, count);
		hang_up(m, fd);
		return;
	}
	void *owner = talloc_new(NULL);
	char *command = text_record_read(&r, owner);
	if (command && is_scan(command) && count == 1)
		pass_on(m, fd, command, fds[0]);
	else if (command && is_explain(command) && count == 0)
		pass_on(m, fd, command, -1);
	else
		do_command(m, fd, command ? command : "");
	fdpass_close_all(fds, count);
	talloc_free(owner);
}

/* A reload asked for while another was loading waits for its own. */
void control_answer_reloads(struct master *m, bool good, const char *text)
{
	char *line = g_strdup_printf("%s%s", text, good ? "\n" : "");
	if (!m->reload_wanted) {
		for (guint i = 0; i < m->waiting_reloads->len; i++)
			answer(g_array_index(m->waiting_reloads, int, i), good ? 0 : 78, line);
		g_array_set_size(m->waiting_reloads, 0);
	}
	g_free(line);
}
