"""Asks a server as Python programs do: conversation.py URL [QUESTION...]. On each line of stdout what came of one of the
questions, as JSON."""

import json
import sys

import ollama
import openai
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

address = sys.argv[1]
model = "gemma"
counting = "1, 2, 3, 4,"
hello = [{"role": "user", "content": "Hello!"}]
describe = [{"role": "user", "content": "Describe a person of the name of Ann."}]

of_openai = openai.OpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0)
of_ollama = ollama.Client(host=address)


class Person(BaseModel):
    name: str = Field(max_length=12)
    age: int


@tool
def get_weather(city: str) -> str:
    """Says what the weather is like.

    Args:
        city: Where.
    """
    return f"The sky is blue in {city}."


def get_time() -> str:
    """Says what time it is."""
    return "noon"


def openai_models():
    return [one.id for one in of_openai.models.list()]


def openai_text():
    answer = of_openai.completions.create(model=model, prompt=counting, max_tokens=12, temperature=0)
    return answer.choices[0].text


def openai_stream():
    text, tokens = "", None
    usage = {"include_usage": True}
    for chunk in of_openai.completions.create(
        model=model, prompt=counting, max_tokens=12, temperature=0, stream=True, stream_options=usage
    ):
        text += chunk.choices[0].text if chunk.choices else ""
        tokens = chunk.usage.completion_tokens if chunk.usage else tokens
    return [text, tokens]


def openai_conversation():
    settings = {"model": model, "temperature": 0, "max_tokens": 8}
    first = of_openai.chat.completions.create(messages=hello, **settings)
    messages = [*hello, first.choices[0].message, {"role": "user", "content": "Go on."}]
    second = of_openai.chat.completions.create(messages=messages, **settings)
    return second.usage.prompt_tokens_details.cached_tokens


def openai_tool():
    answer = of_openai.chat.completions.create(
        model=model,
        temperature=0,
        max_tokens=60,
        messages=[{"role": "user", "content": "What is the weather in Oslo?"}],
        tools=[openai.pydantic_function_tool(Person, name="greet")],
        tool_choice="required",
    )
    (call,) = answer.choices[0].message.tool_calls
    return [call.function.name, Person.model_validate_json(call.function.arguments).model_dump()]


def openai_schema():
    answer = of_openai.chat.completions.parse(
        model=model, temperature=0, max_tokens=60, messages=describe, response_format=Person
    )
    return answer.choices[0].message.parsed.model_dump()


def openai_embeddings():
    return len(of_openai.embeddings.create(model=model, input="A cat.").data[0].embedding)


def openai_response():
    return of_openai.responses.create(model=model, input="Hello", max_output_tokens=6, temperature=0).status


def openai_error():
    try:
        of_openai.completions.create(model=model, prompt="word " * 2000)
    except openai.BadRequestError as error:
        return error.code


def ollama_models():
    shown = of_ollama.show(model)
    (listed,) = [one for one in of_ollama.list().models if one.model == model]
    (running,) = [one for one in of_ollama.ps().models if one.model == model]
    return [listed.model, running.model, running.expires_at.year, shown.details.family, shown.capabilities]


def ollama_text():
    options = {"temperature": 0, "num_predict": 12}
    answer = of_ollama.generate(model, counting, raw=True, options=options, keep_alive="5m")
    return [answer.response, answer.done_reason, answer.eval_count]


def ollama_stream():
    options = {"temperature": 0, "num_predict": 12}
    return "".join(
        piece.response for piece in of_ollama.generate(model, counting, raw=True, options=options, stream=True)
    )


def ollama_conversation():
    options = {"temperature": 0, "num_predict": 8}
    first = of_ollama.chat(model, hello, options=options)
    messages = [*hello, first.message, {"role": "user", "content": "Go on."}]
    return [piece.done for piece in of_ollama.chat(model, messages, options=options, stream=True)][-1]


def ollama_tool():
    """A base model calls where it has seen calls."""
    messages = []
    for city in ["Oslo", "Rome", "Lima"]:
        call = {"function": {"name": "get_weather", "arguments": {"city": city}}}
        messages += [
            {"role": "user", "content": f"What is the weather in {city}?"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_name": "get_weather", "content": f'{{"city": "{city}", "sky": "blue"}}'},
            {"role": "assistant", "content": f"The sky is blue in {city}."},
        ]
    messages.append({"role": "user", "content": "What is the weather in Bern?"})
    answer = of_ollama.chat(
        model,
        messages,
        tools=[get_weather.func, get_time],
        options={"temperature": 0, "num_predict": 60},
    )
    (call,) = answer.message.tool_calls
    return [call.function.name, call.function.arguments]


def ollama_schema():
    options = {"temperature": 0, "num_predict": 60}
    answer = of_ollama.chat(model, describe, format=Person.model_json_schema(), options=options)
    return Person.model_validate_json(answer.message.content).model_dump()


def ollama_embeddings():
    return len(of_ollama.embed(model, "A cat.").embeddings[0])


def ollama_error():
    try:
        of_ollama.chat("llama3", hello)
    except ollama.ResponseError as error:
        return error.status_code


def langchain_openai():
    chat = ChatOpenAI(
        model=model, base_url=f"{address}/v1", api_key="unused", temperature=0, max_tokens=60, max_retries=0
    )
    called = chat.bind_tools([get_weather], tool_choice="any").invoke("What is the weather in Oslo?")
    return conversation(chat, called, method="json_schema")


def langchain_ollama():
    chat = ChatOllama(model=model, base_url=address, temperature=0, num_predict=60)
    embedding = OllamaEmbeddings(model=model, base_url=address).embed_query("A cat.")
    call = {"id": "call_1", "name": "get_weather", "args": {"city": "Oslo"}}
    called = AIMessage(content="", tool_calls=[call])
    return conversation(chat, called, method="json_schema") | {"embedding": len(embedding)}


def conversation(chat, called, method):
    """From a call to what is said of its result, and an answer of a given form."""
    (call,) = called.tool_calls
    result = ToolMessage(content=get_weather.invoke(call["args"]), tool_call_id=call["id"])
    messages = [HumanMessage("What is the weather in Oslo?"), called, result]
    answer = chat.bind_tools([get_weather]).invoke(messages)
    pieces = [piece.content for piece in chat.stream("Hello!")]
    person = chat.with_structured_output(Person, method=method).invoke("Describe a person of the name of Ann.")
    return {
        "called": call["name"],
        "tokens": answer.usage_metadata["input_tokens"],
        "pieces": len(pieces),
        "person": person.model_dump(),
    }


def ollama_pull():
    """Of a gateway."""
    parts = list(of_ollama.pull("longshore/gemma:270m", stream=True))
    return [parts[-1].status, parts[-1].completed == parts[-1].total]


def ollama_delete():
    """Of a gateway."""
    return of_ollama.delete("longshore/gemma:270m").status


questions = [
    openai_models,
    openai_text,
    openai_stream,
    openai_conversation,
    openai_tool,
    openai_schema,
    openai_embeddings,
    openai_response,
    openai_error,
    ollama_models,
    ollama_text,
    ollama_stream,
    ollama_conversation,
    ollama_tool,
    ollama_schema,
    ollama_embeddings,
    ollama_error,
    langchain_openai,
    langchain_ollama,
]

asked = [globals()[name] for name in sys.argv[2:]] or questions

for question in asked:
    try:
        outcome = {"result": question()}
    except Exception as error:
        outcome = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"question": question.__name__, **outcome}), flush=True)
