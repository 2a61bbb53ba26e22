/* posternctl.c - asks the master over its control socket and prints the answer.
 * It knows no configuration but where that socket is. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <talloc.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "template/talk.h"

#define DEFAULT_SOCKET "/var/lib/postern/postern.ctl"

static void usage(FILE *to)
{
	fputs("usage: posternctl [-s SOCKET] [--json] status | reload | stop\n"
		"  -s SOCKET  the setting control_socket of the daemon (" DEFAULT_SOCKET ")\n", to);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		fprintf(stderr, "posternctl: %s: the path is too long\n", path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	fprintf(stderr, "posternctl: %s: %s; is posternd running, and is this its control_socket?\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* "<exit code>\n<text>" */
static int print_answer(int fd)
{
	void *owner = talloc_new(NULL);
	char *text = NULL;
	int code = 69;
	if (talk_receive_text(fd, owner, &text) == RECORD_ANSWER && text) {
		char *end = strchr(text, '\n');
		code = atoi(text);
		fputs(end ? end + 1 : "", code == 0 ? stdout : stderr);
	} else {
		fputs("posternctl: the daemon hung up without an answer\n", stderr);
	}
	talloc_free(owner);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' }, { "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	const char *path = DEFAULT_SOCKET;
	char command[64];
	bool json = false;
	int option;
	while ((option = getopt_long(argc, argv, "s:hV", longs, NULL)) != -1) {
		switch (option) {
		case 's': path = optarg; break;
		case 'j': json = true; break;
		case 'h': usage(stdout); return 0;
		case 'V': puts("posternctl " VERSION_TEXT); return 0;
		default: usage(stderr); return 64;
		}
	}
	/* --json may follow the command too; getopt has moved it in front. */
	if (argc - optind != 1 || strlen(argv[optind]) > 32) {
		usage(stderr);
		return 64;
	}
	snprintf(command, sizeof command, "%s%s", argv[optind], json && strcmp(argv[optind], "status") == 0 ? " json" : "");
	int fd = connect_to(path);
	if (fd < 0)
		return 69;
	int code = talk_send_text(fd, RECORD_CONTROL, command) == 0 ? print_answer(fd) : 69;
	close(fd);
	return code;
}
