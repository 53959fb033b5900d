#include "web/status_page.hpp"

#include <openssl/evp.h>

#include <array>
#include <string>

namespace kallglot {

namespace {

// Layout: one column on a phone, two on a wide screen; sessions are rows on a wide screen and cards on a phone.
// Colours: variables, defined once for each colour scheme. A status has the same hue in both, and its class name is the
// status word. `good`, `warning`, `bad` colour the verdict; `care`, `alarm` colour a single fact.
// In the page and not in a file of its own: a status page that is loaded in one request is shown whole or not at all.
constexpr std::string_view style = R"(
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#5b6470;--line:#dfe3e8;
--good:#17703f;--warning:#9a6200;--bad:#c0262d;--good-paper:#e7f5ed;--warning-paper:#fdf3df;--bad-paper:#fdeaea;
--created:#7b8794;--connecting:#d98a00;--active:#1f9d5c;--ending:#7d5bd0;--ended:#b4bcc6;--unknown:#c2438d}
@media(prefers-color-scheme:dark){:root{--paper:#0f1215;--card:#181c21;--ink:#e8ebee;--soft:#97a1ad;--line:#2b323a;
--good:#4cc38a;--warning:#e5a63c;--bad:#ff7b78;--good-paper:#12261c;--warning-paper:#2a2110;--bad-paper:#331718;
--created:#8f9ba8;--connecting:#eda82c;--active:#3fbf7f;--ending:#9c82e6;--ended:#4d5661;--unknown:#e070b0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
header{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin-bottom:.75rem}
h1{font-size:1rem;font-weight:600;margin:0}
h2{font-size:.8rem;font-weight:600;letter-spacing:.04em;text-transform:uppercase;color:var(--soft);margin:0 0 .6rem}
.soft,footer{color:var(--soft);font-size:.85rem}
.verdict{border-radius:.6rem;padding:1rem 1.2rem;border-left:.4rem solid;margin-bottom:1rem}
.verdict p{margin:0}
.headline{font-size:1.5rem;font-weight:700;line-height:1.25;margin:.6rem 0 1rem}
.verdict p+p{margin-top:.3rem;color:var(--ink)}
.good{background:var(--good-paper);border-color:var(--good)}.good .headline{color:var(--good)}
.warning{background:var(--warning-paper);border-color:var(--warning)}.warning .headline{color:var(--warning)}
.bad{background:var(--bad-paper);border-color:var(--bad)}.bad .headline{color:var(--bad)}
.cards{columns:2;column-gap:1rem;margin-bottom:1rem}.name{font-family:ui-monospace,monospace;font-size:1.05rem;text-transform:none;
letter-spacing:0;color:var(--ink);overflow-wrap:anywhere}
section.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.2rem;margin-bottom:1rem;
break-inside:avoid}
table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:500;font-size:.85rem;color:var(--soft);padding:0 .8rem .3rem 0;white-space:nowrap}
td{padding:.35rem .8rem .35rem 0;border-top:1px solid var(--line);vertical-align:middle}
td:last-child,th:last-child{padding-right:0}table+table{margin-top:1rem}
.number{text-align:right;white-space:nowrap}
.id{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9rem;white-space:nowrap}
nav{display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:center;margin-bottom:.75rem}
nav form{display:flex;flex-wrap:wrap;gap:.4rem;align-items:center;margin-left:auto}
label{color:var(--soft);font-size:.85rem}
input,button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:.4rem;padding:.3rem .6rem}
input{width:17rem}::placeholder{color:var(--soft);opacity:1}
:focus-visible{outline:3px solid var(--connecting);outline-offset:2px}
.sessions{list-style:none;margin:0;padding:0}
.sessions li{display:grid;grid-template-columns:18rem 6rem 7rem 9rem 1fr;gap:0 .8rem;align-items:baseline;padding:.35rem 0;
border-top:1px solid var(--line)}
svg.life{height:2.2rem}svg.hours{height:8rem;background:none;border-radius:0}
path.days{fill:none;stroke:var(--soft);vector-effect:non-scaling-stroke}
p.days{display:grid;grid-template-columns:repeat(3,1fr);position:relative;margin:.2rem 0 0}
.days span:last-child{position:absolute;right:0}
section.card>ol:not(.sessions){margin:.8rem 0 0;padding-left:1.4rem}section.card>p:last-child{margin-bottom:0}
.unsure{opacity:.35}
.twilio{fill:var(--connecting)}.telnyx{fill:var(--ending)}.sip{fill:var(--active)}.other{fill:var(--unknown)}.none{fill:var(--created)}
.ends{display:flex;justify-content:space-between}
svg.key{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem}
.text p,.text li{max-width:46rem}.text h2{text-transform:none;letter-spacing:0;font-size:1.15rem;color:var(--ink);margin-top:2rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:anywhere}
.age{font-weight:600;white-space:nowrap}
.bar-cell{width:45%}
svg{display:block;width:100%;height:.6rem;border-radius:.3rem;background:var(--line)}
.created{fill:var(--created)}.connecting{fill:var(--connecting)}.active{fill:var(--active)}
.ending{fill:var(--ending)}.ended{fill:var(--ended)}.unknown{fill:var(--unknown)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.35rem 1rem;margin:0}
dt{color:var(--soft)}dd{margin:0;text-align:right;overflow-wrap:anywhere}
.alarm{color:var(--bad);font-weight:600}.care{color:var(--warning);font-weight:600}
a{color:inherit}
footer{margin:1rem 0;display:flex;flex-wrap:wrap;gap:.3rem 1rem}
@media(max-width:44rem){.cards{columns:1}body{padding:.75rem}nav form{margin-left:0;width:100%}label{flex-basis:100%}input{flex:1;width:auto;min-width:0}
.sessions li{display:flex;flex-wrap:wrap;padding:.7rem 0}.sessions .id{flex-basis:100%}.long{font-size:.5rem}
.text table{font-size:.8rem}.days span:last-child{display:none}
.sessions .age{font-size:1.6rem;line-height:1.2;order:-1;flex-basis:100%}}
)";

} // namespace

std::string_view status_page_style() noexcept {
    return style;
}

// The browser compares the hash with the text of the style element, so the policy is computed from the very same
// constant.
std::string status_page_policy() {
    std::array<unsigned char, 32> digest{};
    ::EVP_Q_digest(nullptr, "SHA256", nullptr, style.data(), style.size(), digest.data(), nullptr);
    std::string policy = "default-src 'none'; style-src 'sha256-";
    const std::size_t begin = policy.size();
    // 32 bytes are 44 characters in base64; OpenSSL appends a zero byte.
    policy.resize(begin + 45);
    ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(policy.data() + begin),
                      digest.data(),
                      static_cast<int>(digest.size()));
    policy.pop_back();
    // 'self' for the base of a prefix and for the box that finds a session. No other site may frame the page.
    policy += "'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";
    return policy;
}

} // namespace kallglot
