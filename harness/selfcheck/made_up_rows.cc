#include "harness/selfcheck/made_up_rows.h"

#include "harness/data/tasks/task_kind.h"

namespace sft::selfcheck {
namespace {

struct Asked {
  const char* question;
  const char* answer;
};
constexpr Asked kAsked[] = {
    {"Name a river.", "The Nile."},
    {"What is seven times six?", "Forty-two."},
    {"Is ice cold?", "Yes."},
    {"Write the word for snow in French.", "La neige est blanche."},
    {"Which way is up?", "Away from the middle of the earth."},
    {"What do bees make?", "Honey, and wax for their combs."},
    {"Say something kind to a friend.",
     "You have helped me more than once, and I have not forgotten it."},
    {"How many legs has a spider?", "Eight."},
    {"Greet the caf\u00e9 owner.", "Bonjour, na\u00efve \u00e9t\u00e9!"},
    {"What is the opposite of day?", "Night, when the sun is away."},
    {"What falls in autumn?", "Leaves fall from the trees, and so does rain."},
    {"Count to four.", "One, two, three, four."}};

}  // namespace

std::vector<data::Row> MadeUpRows() {
  std::vector<data::Row> rows;
  for (const Asked& asked : kAsked) {
    data::Row row;
    row.id = std::ssize(rows);
    row.turns = {{"user", asked.question}, {"assistant", asked.answer}};
    row.text = asked.question;
    row.text_pair = asked.answer;
    row.label = row.id % 2;
    rows.push_back(std::move(row));
  }
  return rows;
}

data::Task MadeUpTask(bool for_encoder) {
  data::Task task;
  task.name = "selfcheck";
  if (!for_encoder) return task;
  for (const data::TaskKindRow& row : data::AllTaskKinds()) {
    if (!row.has_classes || !row.head) continue;
    task.kind = row.name;
    task.labels = {"even", "odd"};
    break;
  }
  return task;
}

std::vector<ChatTurn> MadeUpChat() {
  return {{"user", "Which bird cannot fly?"},
          {"assistant", "An ostrich runs instead."},
          {"user", "And which one swims?"},
          {"assistant", "Penguins swim very well."}};
}

const std::vector<std::string>& HardTexts() {
  static const auto& texts = *new std::vector<std::string>{
      "plain words",
      "two  spaces and a line\nand another",
      "Mixed CASE, digits 1234567890 and signs !?;:()[]{}<>@#$%^&*_+-=/\\|~",
      "caf\u00e9 na\u00efve \u00fcber \u00e5ngstr\u00f6m",
      "\u0420\u0443\u0441\u0441\u043a\u0438\u0439 "
      "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac",
      "\u65e5\u672c\u8a9e\u3068\u4e2d\u6587 \ud55c\uad6d\uc5b4",
      "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 "
      "\u05e2\u05d1\u05e8\u05d9\u05ea \u0939\u093f\u0928\u094d\u0926\u0940",
      "\U0001F600 \U0001F469\u200D\U0001F4BB \u2603\ufe0f",
      "a\u0301 e\u0301 combined, \u00e1 \u00e9 composed",
      "x\u00b2 + \u221ay \u2264 \u222b f(z) dz \u2192 \u221e",
      "def f(x):\n    return x + 1  # code\n\n\tif x:\n\t\tpass"};
  return texts;
}

}  // namespace sft::selfcheck
