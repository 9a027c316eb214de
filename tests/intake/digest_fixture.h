/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_fixture: digest in this process, with a database, a spool and a
 * signer of mails; y.example is the default tenant's.
 */
#pragma once

#include "tests/intake/signer.h"
#include "tests/testing.h"

#include "base/log.h"
#include "intake/digest.h"

#define LABEL "abcdefghijklmnop"
#define REPORT(id, failed)                                                     \
	"{\"organization-name\":\"X\",\"date-range\":{\"start-datetime\":"     \
	"\"2026-11-20T00:00:00Z\",\"end-datetime\":\"2026-11-20T23:59:59Z\"}"  \
	",\"contact-info\":\"tls@x.example\",\"report-id\":\"" id "\","        \
	"\"policies\":[{\"policy\":{\"policy-type\":\"sts\","                  \
	"\"policy-domain\":\"y.example\",\"mx-host\":\"mx.y.example\"},"       \
	"\"summary\":{\"total-successful-session-count\":7,"                   \
	"\"total-failure-session-count\":" failed "},\"failure-details\":[{"   \
	"\"result-type\":\"certificate-expired\",\"failed-session-count\":1,"  \
	"\"sending-mta-ip\":\"2001:DB8::1\"}]}]}"

struct place {
	char dir[64];
	struct arena *a;
	struct digest d;
	struct err e;
	int64_t now;
	struct clock clock;
	unsigned put_off; /* events of that name */
	struct signer signer;
	enum status key_st; /* how looking up its key goes */
	unsigned keys_asked;
};

int place_setup(void **state);
int place_teardown(void **state);

void ok_at(struct place *p, enum status st, int line);
#define OK(st) ok_at(p, (st), __LINE__)
const char *path_in(struct place *p, const char *name);

/* Puts a file into spool/new, as it comes by source. */
void put(struct place *p, enum spool_source source, const char *id,
	struct str body);
/* Digests what there is; how many files. */
size_t run(struct place *p);

size_t files(struct place *p, enum spool_folder folder);
struct str only_file(struct place *p, enum spool_folder folder);
/* There are want of them. */
struct store_report *reports_in(
	struct place *p, enum store_report_state state, size_t want);
struct store_report *reports(struct place *p, size_t want);

/* One more domain of the default tenant. */
void a_domain(struct place *p, const char *name, const char *label);
