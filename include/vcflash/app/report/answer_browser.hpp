#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// Every answer of one run or several, on pages of a report: the rows stand in the file as JSON,
/// and a script of its own shows those that are asked for, a page at a time.
namespace vcflash::app {

/// What one run, or one rule, made of a question.
struct ShownAnswer {
  std::string text{}, parsed{}, problem{};
  double score = 0;
};

struct ShownQuestion {
  std::string id{}, task{}, video{}, text{};
  std::vector<std::string> options{};
  std::string right{};
  std::vector<ShownAnswer> answers{};  ///< one a column
};

/// A JSON value as a page shows it.
inline std::string text_of(nlohmann::json const& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// \param answer an object of answers.jsonl
inline ShownAnswer shown_answer(nlohmann::json const& answer) {
  return {.text = answer.at("answer"),
          .parsed = answer.value("parsed", ""),
          .problem = answer.value("problem", ""),
          .score = answer.at("score")};
}

/// \param answer an object of answers.jsonl, of which the answer is not taken
inline ShownQuestion shown_question(nlohmann::json const& answer) {
  return {.id = answer.at("id"),
          .task = answer.value("task", answer.value("kind", "")),
          .video = std::filesystem::path(answer.value("video", "")).filename().string(),
          .text = answer.value("question", ""),
          .options = answer.value("options", std::vector<std::string>()),
          .right = answer.contains("right") ? text_of(answer["right"]) : ""};
}

/// The style sheet of the pages.
inline constexpr std::string_view answer_browser_style = R"css(
.filters { display:flex; flex-wrap:wrap; gap:10px; margin:14px 0; align-items:center; font-size:14px; }
.filters select, .filters input, .filters button { font:inherit; color:inherit; padding:5px 9px;
  background:var(--card); border:1px solid var(--line); border-radius:7px; max-width:100%; }
.filters input { flex:1 1 180px; } .filters button { cursor:pointer; }
.filters button:disabled { opacity:.4; cursor:default; }
.filters output { color:var(--soft); margin-left:auto; font-variant-numeric:tabular-nums; }
.answers { display:grid; gap:10px; }
.answer { display:grid; gap:8px; padding:14px 18px; }
.answer header { display:flex; flex-wrap:wrap; gap:4px 14px; font-size:13px; color:var(--soft); }
.answer header b { color:var(--ink); overflow-wrap:anywhere; }
.answer pre { margin:0; font-family:inherit; font-size:14px; white-space:pre-wrap;
  overflow-wrap:anywhere; max-height:16em; overflow:auto; }
.answer .one { display:grid; grid-template-columns:minmax(70px,max-content) 90px 1fr; gap:12px;
  font-size:14px; align-items:baseline; }
.answer .one code { overflow-wrap:anywhere; white-space:pre-wrap; }
.answer .one b { font-weight:600; overflow-wrap:anywhere; }
.is-right .mark { color:var(--right); font-weight:600; } .is-wrong .mark { color:var(--wrong); font-weight:600; }
.is-broken .mark { color:var(--luck); font-weight:600; }
)css";

/// What the script does: it only ever sets text, so that nothing of a model or a row is markup.
inline constexpr std::string_view answer_browser_script = R"js(
(() => {
  const data = JSON.parse(document.getElementById('answer-rows').textContent);
  const rows = data.rows, columns = data.columns, most = 25;
  const at = id => document.getElementById('answers-' + id);
  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const option = (list, value, text) => {
    const made = make('option', '', text);
    made.value = value;
    list.append(made);
  };
  const state = answer => answer.problem ? 'broken' : answer.score >= 0.5 ? 'right' : 'wrong';
  const changed = row => row.answers.some(answer => answer.score !== row.answers[0].score);
  const tasks = [...new Set(rows.map(row => row.task))];
  if (tasks.length > 1) tasks.forEach(task => option(at('task'), 't' + task, task || '(none)'));
  else at('task').hidden = true;
  if (columns.length > 1) columns.forEach((name, i) => option(at('column'), i, name));
  else { at('column').hidden = true; at('state').querySelector('[value=changed]').remove(); }
  let found = rows, page = 0;
  const text = row => row.text_of ??= [row.id, row.video, row.text, ...row.options, row.right,
    ...row.answers.flatMap(answer => [answer.text, answer.problem])].join('\n').toLowerCase();
  const line = (row, i) => {
    const answer = row.answers[i], how = state(answer), made = make('div', 'one is-' + how);
    made.append(make('b', '', columns.length > 1 ? columns[i] : 'the model said'));
    const partly = answer.score > 0 && answer.score < 1 ? ' ' + answer.score.toFixed(2) : '';
    made.append(make('span', 'mark', (how === 'right' ? '✓ ' : how === 'wrong' ? '✗ ' : '⚠ ') + how + partly));
    made.append(make('code', '', answer.problem || answer.text || '(nothing)'));
    if (!answer.problem && answer.parsed !== answer.text) {
      made.lastChild.append(make('span', 'said', answer.parsed ? '  read as ' + answer.parsed : '  no answer was found in it'));
    }
    return made;
  };
  const card = row => {
    const made = make('article', 'card answer'), head = make('header');
    head.append(make('b', '', row.id), make('span', '', row.task), make('span', '', row.video));
    made.append(head, make('pre', '', row.text));
    if (row.options.length) {
      const list = make('ul', 'options');
      row.options.forEach((option, i) => {
        const letter = String.fromCharCode(65 + i);
        const right = row.right === letter || row.right === option;
        const said = !right && row.answers.some(answer => answer.parsed === letter);
        list.append(make('li', right ? 'is-right' : said ? 'is-said' : '', letter + ' ' + option));
      });
      made.append(list);
    } else {
      const right = make('div', 'said', 'right is ');
      right.append(make('code', '', row.right));
      made.append(right);
    }
    row.answers.forEach((_, i) => made.append(line(row, i)));
    return made;
  };
  const show = () => {
    const first = page * most, last = Math.min(first + most, found.length);
    at('list').replaceChildren(...found.slice(first, last).map(card));
    at('count').value = found.length ? `${first + 1} to ${last} of ${found.length}` : 'none';
    at('before').disabled = page === 0;
    at('after').disabled = last === found.length;
  };
  const find = () => {
    const task = at('task').value, how = at('state').value, column = Number(at('column').value || 0);
    const words = at('text').value.toLowerCase();
    found = rows.filter(row => (!task || 't' + row.task === task) &&
      (!how || (how === 'changed' ? changed(row) : state(row.answers[column]) === how)) &&
      (!words || text(row).includes(words)));
    page = 0;
    show();
  };
  for (const id of ['task', 'state', 'column']) at(id).addEventListener('change', find);
  at('text').addEventListener('input', find);
  at('before').addEventListener('click', () => { --page; show(); });
  at('after').addEventListener('click', () => { ++page; show(); });
  find();
})();
)js";

/// The end of a question, where it stands behind subtitles.
inline std::string end_of_question(std::string const& question) {
  constexpr std::size_t most = 700;
  if (question.size() <= most) return question;
  auto cut = question.size() - most;
  while (cut < question.size() && (question[cut] & 0xC0) == 0x80) ++cut;
  return "… " + question.substr(cut);
}

/// \param columns names of runs or rules; each question has an answer for each
inline std::string answer_browser(std::vector<std::string> const& columns,
                                  std::vector<ShownQuestion> const& questions) {
  auto rows = nlohmann::ordered_json::array();
  for (auto const& question : questions) {
    auto answers = nlohmann::ordered_json::array();
    for (auto const& answer : question.answers) {
      answers.push_back({{"text", answer.text},
                         {"parsed", answer.parsed},
                         {"problem", answer.problem},
                         {"score", answer.score}});
    }
    rows.push_back({{"id", question.id},
                    {"task", question.task},
                    {"video", question.video},
                    {"text", end_of_question(question.text)},
                    {"options", question.options},
                    {"right", question.right},
                    {"answers", std::move(answers)}});
  }
  auto const json = nlohmann::ordered_json{{"columns", columns}, {"rows", std::move(rows)}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string data;  // in which nothing ends the element that it stands in
  for (char const c : json) data += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return fmt::format(
      "<div class=\"filters\"><select id=\"answers-task\" aria-label=\"task\"><option "
      "value=\"\">all tasks</option></select><select id=\"answers-state\" aria-label=\"answers\">"
      "<option value=\"\">all answers</option><option value=\"right\">right</option><option "
      "value=\"wrong\">wrong</option><option value=\"broken\">broken</option><option "
      "value=\"changed\">changed</option></select><select id=\"answers-column\" "
      "aria-label=\"whose\"></select><input id=\"answers-text\" type=\"search\" "
      "placeholder=\"words of a question or an answer\"><button id=\"answers-before\">← before"
      "</button><button id=\"answers-after\">after →</button><output id=\"answers-count\"></output>"
      "</div><div class=\"answers\" id=\"answers-list\"><noscript>This list needs "
      "JavaScript.</noscript>"
      "</div><script type=\"application/json\" id=\"answer-rows\">{}</script><script>{}</script>",
      data, answer_browser_script);
}

}  // namespace vcflash::app
