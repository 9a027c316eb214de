/* SPDX-License-Identifier: Apache-2.0 */
/* lint_report: moat lint report, strict verdicts on TLS reports. */
#pragma once

#include "cli/cli.h"

/* The command; an exit code. */
int lint_report_run(struct cli *cli, const struct args *args);
