/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_cold_floor: the least that a first look-up of a policy domain costs: a
 * TXT and an A look-up, a TLS 1.3 handshake with the certificate verified, a
 * GET, one domain after the other, nothing parsed. One context and one trust
 * store for all. Not a client, a measure.
 *
 *     policy_cold_floor DNS-PORT HTTPS-PORT CA.pem FIRST N
 *
 * Domains are hNNNNNN.example from FIRST on. Prints processor time and clock
 * time, as JSON.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/bug.h"
#include "base/num.h"
#include "base/str.h"

#include "base/poison.h"

#define TYPE_A 1
#define TYPE_TXT 16

struct floor {
	int dns;
	uint16_t https_port;
	SSL_CTX *ctx;
};

static double seconds(struct timespec t)
{
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(clockid_t id)
{
	struct timespec t;

	BUG(clock_gettime(id, &t) != 0);
	return seconds(t);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Name is "mta-sts.hNNNNNN.example": each label with its length before it. */
static size_t question(unsigned char *p, const char *name, unsigned type)
{
	static const unsigned char header[12] = { [2] = 1, [5] = 1 };
	struct str rest = str_of(name);
	unsigned char *at = p + sizeof(header);

	memcpy(p, header, sizeof(header));
	while (rest.p != NULL) {
		struct str label = str_cut(&rest, '.');

		*at++ = (unsigned char)label.n;
		memcpy(at, label.p, label.n);
		at += label.n;
	}
	*at++ = 0;
	*at++ = 0;
	*at++ = (unsigned char)type;
	*at++ = 0;
	*at++ = 1;
	return (size_t)(at - p);
}

static void look_up(const struct floor *f, const char *name, unsigned type)
{
	unsigned char p[1232];
	size_t n = question(p, name, type);

	BUG(send(f->dns, p, n, 0) != (ssize_t)n);
	BUG(recv(f->dns, p, sizeof(p), 0) < 12);
	BUG((p[3] & 15) != 0 || p[7] == 0); /* there is an answer */
}

static void get(const struct floor *f, const char *host)
{
	struct sockaddr_in to = loopback(f->https_port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, n;
	SSL *ssl = SSL_new(f->ctx);
	char name[64], text[4096];

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	BUG(connect(fd, (void *)&to, sizeof(to)) != 0);
	(void)snprintf(name, sizeof(name), "%s", host);
	BUG(SSL_set_fd(ssl, fd) != 1 || SSL_set1_host(ssl, host) != 1);
	BUG(SSL_set_tlsext_host_name(ssl, name) != 1);
	BUG(SSL_connect(ssl) != 1);
	n = snprintf(text, sizeof(text),
		"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: %s\r\n"
		"Connection: close\r\n\r\n",
		host);
	BUG(SSL_write(ssl, text, n) != n);
	while (SSL_read(ssl, text, sizeof(text)) > 0)
		;
	SSL_free(ssl);
	(void)close(fd);
}

static SSL_CTX *context(const char *ca_file)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	char groups[] = "X25519"; /* the macro drops const */

	BUG(SSL_CTX_load_verify_locations(c, ca_file, NULL) != 1);
	BUG(SSL_CTX_set1_groups_list(c, groups) != 1);
	BUG(SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	return c;
}

static uint32_t number(const char *text)
{
	uint32_t n = 0;

	BUG(num_u32(str_of(text), 0, 10000000, &n) != ST_OK);
	return n;
}

int main(int argc, char **argv)
{
	struct floor f = {};
	struct sockaddr_in dns;
	double cpu, wall;
	uint32_t first, n;
	char name[64];

	if (argc != 6) {
		(void)fprintf(stderr, "usage: policy_cold_floor DNS-PORT "
				      "HTTPS-PORT CA.pem FIRST N\n");
		return 64;
	}
	dns = loopback((uint16_t)number(argv[1]));
	f.https_port = (uint16_t)number(argv[2]);
	f.ctx = context(argv[3]);
	f.dns = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	BUG(connect(f.dns, (void *)&dns, sizeof(dns)) != 0);
	first = number(argv[4]);
	n = number(argv[5]);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	wall = now(CLOCK_MONOTONIC);
	for (uint32_t i = first; i < first + n; i++) {
		(void)snprintf(name, sizeof(name), "_mta-sts.h%06u.example", i);
		look_up(&f, name, TYPE_TXT);
		(void)snprintf(name, sizeof(name), "mta-sts.h%06u.example", i);
		look_up(&f, name, TYPE_A);
		get(&f, name);
	}
	(void)printf("{\"n\": %u, \"cpu_s\": %.6f, \"wall_s\": %.6f}\n", n,
		now(CLOCK_PROCESS_CPUTIME_ID) - cpu,
		now(CLOCK_MONOTONIC) - wall);
	return 0;
}
