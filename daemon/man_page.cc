// ndshared(8), from the table of options.
#include "daemon/options.h"
#include "daemon/version_text.h"

namespace ndshare::internal {
namespace {

/// As roff takes it: hyphens are those of the keyboard, no line is a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else {
      out += c;
    }
  }
  return out;
}

constexpr char kRest[] = R"(.SH SIGNALS
.TP
\fBSIGTERM\fR, \fBSIGINT\fR
end; the memory stays for the next start, and clients go on reading and locking
.SH EXIT STATUS
0 ended as asked, 1 refused or failed, 2 wrong usage. The reason is one line on standard error.
.SH ENVIRONMENT
.TP
\fBNDSHARE_STORE\fR
the store where \fB\-\-store\fR is not given
.TP
\fBNOTIFY_SOCKET\fR
systemd is told READY=1 and STOPPING=1
.TP
\fBLISTEN_FDS\fR, \fBLISTEN_PID\fR
the store\(aqs socket, where systemd listens already
.SH FILES
.TP
\fI/dev/shm/ndshare\-UID\-STORE.{catalog,sync,pool}\fR
segments: made at the first start, taken over by every later one
.TP
\fI/dev/shm/ndshare\-UID\-STORE.{sock,lock}\fR
where clients connect; who serves
.SH EXAMPLES
.nf
\fBndshared \-\-store etl \-\-capacity 64G \-\-metrics 127.0.0.1:9464\fR
\fBsystemctl \-\-user enable \-\-now ndshared@etl.socket\fR
\fBsystemctl start ndshared@etl\fR
.fi
.SH SEE ALSO
\fBndshare\fR(1), which starts and stops it for you
)";

}  // namespace

std::string man_page() {
  std::string out = std::string(".TH NDSHARED 8 \"\" \"ndshare ") + kVersionText +
                    "\" \"System Manager\\(aqs Manual\"\n.SH NAME\nndshared \\- serves one store of shared arrays\n.SH SYNOPSIS\n"
                    "\\fBndshared\\fR [\\fIoption\\fR]...\n.SH DESCRIPTION\n"
                    "Hands out shared memory for named arrays to the processes of one machine, and gives back what dead ones\n"
                    "held. It never touches the values. Killed and started again, it goes on with all that was there.\n"
                    ".SH OPTIONS\n";
  for (const auto& row : option_texts()) {
    out += ".TP\n\\fB\\-\\-" + roff(row.name) + "\\fR";
    if (row.argument != nullptr) out += " \\fI" + roff(row.argument) + "\\fR";
    out += "\n" + roff(row.help) + "\n";
  }
  return out + kRest;
}

}  // namespace ndshare::internal
