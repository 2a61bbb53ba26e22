/* peer.c - see peer.h. */
#include "peer.h"

#include <string.h>

bool peer_open(struct postern_call *call, struct peers *all, struct peer *p)
{
	*p = (struct peer){ .conn = postern_conn_kept(call), .kept = true };
	if (p->conn)
		return true;
	p->kept = false;
	for (size_t k = 0; k < all->sockets.count && !p->conn; k++) {
		size_t at = (all->first + k) % all->sockets.count;
		p->conn = postern_conn_open(call, all->sockets.v[at]);
		if (p->conn)
			all->first = at;
		else if (postern_time_left_ms(call) == 0)
			break;
	}
	if (!p->conn)
		peers_move_on(all);
	return p->conn != NULL;
}

void peer_close(struct postern_call *call, struct peer *p)
{
	if (p->conn)
		postern_conn_close(call, p->conn);
	p->conn = NULL;
}

void peer_keep(struct postern_call *call, struct peer *p)
{
	if (p->conn)
		postern_conn_keep(call, p->conn);
	p->conn = NULL;
}

void peers_move_on(struct peers *all)
{
	all->first = (all->first + 1) % all->sockets.count;
}

int peer_say(struct postern_call *call, struct peer *p, const char *text)
{
	return postern_conn_write(call, p->conn, text, strlen(text));
}

char *peer_read_line(struct postern_call *call, struct peer *p)
{
	char *text = postern_alloc(call, PEER_LINE_MAX + 1);
	size_t n = 0;
	for (;; n++) {
		ssize_t got = postern_conn_read(call, p->conn, text + n, 1);
		if (got < 0)
			return NULL;
		if (got == 0) {
			postern_fail(call, POSTERN_TEMPFAIL, "the daemon closed the connection after %zu bytes of a line", n);
			return NULL;
		}
		if (text[n] == '\n' || text[n] == '\0')
			break;
		if (n + 1 == PEER_LINE_MAX) {
			postern_fail(call, POSTERN_BROKEN, "the daemon said a line of more than %d bytes", PEER_LINE_MAX);
			return NULL;
		}
	}
	if (n > 0 && text[n - 1] == '\r')
		n--;
	text[n] = '\0';
	return text;
}
