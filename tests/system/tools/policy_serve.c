/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_serve: a socketmap server whose policies lie in a folder, so that what
 * becomes of them can be asked with a real postmap. Its maps are "sts" and
 * "sts-tlsrpt"; a domain without a file has no policy, and for names that end
 * in ".temp" DNS cannot tell whether there is DANE.
 *
 *     policy_serve FOLDER       prints the port
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/mem.h"
#include "io/idn.h"
#include "outbound/socketmap_server.h"
#include "proto/postfix_reply.h"
#include "proto/sts_limits.h"

#include "base/poison.h"

/* The policy of a domain; *failed: there is one, and it is invalid. */
static const struct sts_policy *read_policy(
	const char *folder, struct str domain, struct arena *a, bool *failed)
{
	struct sts_policy *p = arena_alloc(a, sizeof(*p));
	char *text = arena_alloc(a, STS_POLICY_BYTES_MAX + 1);
	struct str path = arena_fmt(a, "%s/%.*s", folder, STR_ARG(domain));
	FILE *in = fopen(path.p, "re");
	size_t n;

	if (in == NULL)
		return NULL;
	n = fread(text, 1, STS_POLICY_BYTES_MAX + 1, in);
	(void)fclose(in);
	BUG(sts_policy_parse(a, (struct str){ text, n }, p, NULL) != ST_OK);
	*failed = p->outcome != STS_POLICY_VALID;
	return *failed ? NULL : p;
}

static enum status now(void *ctx, struct arena *a,
	const struct socketmap_request *request, struct answer *out)
{
	struct dane_result dane = { .state = DANE_ABSENT };
	struct sts_decide_input in = { .dane = &dane,
		.failure = TLSRPT_STS_POLICY_INVALID };
	struct sbuf b = sbuf_arena(a, SOCKETMAP_REPLY_WIRE_MAX);
	struct decision d = {};

	if (policy_domain_parse(a, request->key, idn_to_ascii, &in.domain) ==
		ST_OK) {
		if (str_eq(request->name, STR("sts-tlsrpt")))
			in.profile = (struct sts_profile){
				STS_PROFILE_STS_TLSRPT, .visibility = true
			};
		if (str_ends(in.domain.name, STR(".temp")))
			dane.state = DANE_TEMP;
		in.policy = read_policy(ctx, in.domain.name, a, &in.failed);
		BUG(sts_decide(a, &in, &d) != ST_OK);
	}
	BUG(postfix_reply_write(&b, &d) != ST_OK);
	*out = (struct answer){ .reply = sbuf_str(&b) };
	return ST_OK;
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(at);

	BUG(fd < 0);
	BUG(bind(fd, (void *)&at, sizeof(at)) != 0);
	BUG(listen(fd, 64) != 0);
	BUG(getsockname(fd, (void *)&at, &n) != 0);
	(void)printf("listening on %u\n", ntohs(at.sin_port));
	(void)fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct answer_source source = { .now = now };
	struct socketmap_server *server;
	struct loop *loop = loop_new();

	if (argc != 2) {
		(void)fprintf(stderr, "usage: policy_serve FOLDER\n");
		return 64;
	}
	source.ctx = argv[1];
	server = socketmap_server_new(
		&(struct socketmap_server_options){ .loop = loop,
			.answers = answers_new(1u << 20),
			.source = &source,
			.max_connections = 100 });
	socketmap_server_listen(server, listen_somewhere());
	loop_run(loop);
	return 0;
}
