/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_hot: the socketmap server as the role policy runs it, in front of a
 * source that knows a policy for every domain without looking it up: what is
 * measured is serving alone.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/num.h"
#include "io/idn.h"
#include "outbound/socketmap_server.h"
#include "proto/postfix_reply.h"

#include "base/poison.h"

#define HOUR_MS 3600000

static struct str patterns[] = { { "mx1.example.com", 15 },
	{ "mx2.example.com", 15 }, { "*.mail.example.net", 18 } };

static enum status now(void *ctx, struct arena *a,
	const struct socketmap_request *request, struct answer *out)
{
	struct sts_policy policy = { STS_POLICY_VALID, STS_MODE_ENFORCE, 86400,
		patterns, 3 };
	struct dane_result dane = { .state = DANE_ABSENT };
	struct sts_decide_input in = { .policy = &policy, .dane = &dane };
	struct sbuf b = sbuf_arena(a, SOCKETMAP_REPLY_WIRE_MAX);
	struct decision d;

	(void)ctx;
	BUG(policy_domain_parse(a, request->key, idn_to_ascii, &in.domain) !=
		ST_OK);
	BUG(sts_decide(a, &in, &d) != ST_OK);
	BUG(postfix_reply_write(&b, &d) != ST_OK);
	*out = (struct answer){ sbuf_str(&b), in.domain.name, HOUR_MS };
	return ST_OK;
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	BUG(fd < 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	BUG(bind(fd, (void *)&to, sizeof(to)) != 0);
	BUG(listen(fd, 1024) != 0);
	return fd;
}

int main(int argc, char **argv)
{
	static const struct answer_source source = { .now = now };
	struct socketmap_server *server;
	struct loop *loop = loop_new();
	uint32_t port, kib;

	if (argc != 3 ||
		num_u32(str_of(argv[1]), 1, UINT16_MAX, &port) != ST_OK ||
		num_u32(str_of(argv[2]), 64, 1u << 20, &kib) != ST_OK) {
		(void)fprintf(stderr, "usage: policy_hot PORT KIB\n");
		return 64;
	}
	server = socketmap_server_new(
		&(struct socketmap_server_options){ .loop = loop,
			.answers = answers_new((size_t)kib * 1024),
			.source = &source,
			.max_connections = 1000 });
	socketmap_server_listen(server, listen_on((uint16_t)port));
	loop_run(loop);
	return 0;
}
