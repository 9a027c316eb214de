/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_bare: the limit the edge is held against: epoll, one SSL_CTX with one
 * certificate, no tickets, a fixed answer to whatever is asked. No deadlines,
 * no caps, no parsing: not a server, a measure.
 *
 *     edge_bare PORT CHAIN.pem KEY.pem
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/num.h"

#include "base/poison.h"

#define BODY                                                                   \
	"version: STSv1\r\nmode: enforce\r\nmx: mx1.example.net\r\n"           \
	"mx: mx2.example.net\r\nmax_age: 604800\r\n"

struct peer {
	int fd;
	SSL *ssl;
	bool open;
};

static int listen_on(uint32_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	BUG(bind(fd, (void *)&at, sizeof(at)) != 0);
	BUG(listen(fd, 1024) != 0);
	return fd;
}

static SSL_CTX *context(const char *chain, const char *key)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	(void)SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(c, 0);
	(void)SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	BUG(SSL_CTX_use_certificate_chain_file(c, chain) != 1);
	BUG(SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1);
	return c;
}

static void end(struct peer *p)
{
	SSL_free(p->ssl);
	(void)close(p->fd);
	mem_free(p);
}

/* false: it is over */
static bool work(struct peer *p)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
		"Cache-Control: no-cache\r\nContent-Length: 90\r\n\r\n" BODY;
	char in[4096];
	int n;

	_Static_assert(sizeof(BODY) - 1 == 90, "Content-Length");
	ERR_clear_error();
	if (!p->open) {
		n = SSL_accept(p->ssl);
		if (n != 1)
			return SSL_get_error(p->ssl, n) == SSL_ERROR_WANT_READ;
		p->open = true;
	}
	while ((n = SSL_read(p->ssl, in, sizeof(in) - 1)) > 0) {
		in[n] = '\0';
		if (SSL_write(p->ssl, answer, sizeof(answer) - 1) <= 0)
			return false;
		if (strstr(in, "Connection: close") != NULL) {
			(void)SSL_shutdown(p->ssl);
			return false;
		}
	}
	return SSL_get_error(p->ssl, n) == SSL_ERROR_WANT_READ;
}

static void take(int listener, int epoll, SSL_CTX *c)
{
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = mem_must(sizeof(*p));
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };

		(void)setsockopt(
			fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		p->fd = fd;
		p->ssl = SSL_new(c);
		(void)SSL_set_fd(p->ssl, fd);
		BUG(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0);
	}
}

int main(int argc, char **argv)
{
	struct epoll_event ev[256];
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener;
	uint32_t port;
	SSL_CTX *c;

	if (argc != 4 || num_u32(str_of(argv[1]), 1, 65535, &port) != ST_OK) {
		(void)fprintf(stderr, "usage: edge_bare PORT CHAIN KEY\n");
		return 64;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	c = context(argv[2], argv[3]);
	listener = listen_on(port);
	ev[0] = (struct epoll_event){ .events = EPOLLIN };
	BUG(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev[0]) != 0);
	for (;;) {
		int n = epoll_wait(epoll, ev, 256, -1);

		for (int i = 0; i < n; i++) {
			struct peer *p = ev[i].data.ptr;

			if (p == NULL)
				take(listener, epoll, c);
			else if (!work(p))
				end(p);
		}
	}
}
