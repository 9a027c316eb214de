/* SPDX-License-Identifier: Apache-2.0 */
/* alert_digest: moat alert digest. */
#pragma once

#include "cli/cli.h"

int alert_digest_run(struct cli *cli, const struct args *args);
extern const struct arg_row alert_digest_options[];
